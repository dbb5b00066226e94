-- Names begin with flotilla_, so that the database may hold other things too. A second cluster needs a schema of its own.

CREATE TABLE flotilla_schema (
  version INTEGER PRIMARY KEY,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- The events, as pekko-persistence-jdbc 1.1.1 defines them, without its tags, which nobody uses here.
CREATE TABLE flotilla_event (
  ordering BIGSERIAL,
  persistence_id VARCHAR(255) NOT NULL,
  sequence_number BIGINT NOT NULL,
  deleted BOOLEAN DEFAULT FALSE NOT NULL,
  writer VARCHAR(255) NOT NULL,
  write_timestamp BIGINT,
  adapter_manifest VARCHAR(255),
  event_ser_id INTEGER NOT NULL,
  event_ser_manifest VARCHAR(255) NOT NULL,
  event_payload BYTEA NOT NULL,
  meta_ser_id INTEGER,
  meta_ser_manifest VARCHAR(255),
  meta_payload BYTEA,
  PRIMARY KEY (persistence_id, sequence_number)
);

CREATE UNIQUE INDEX flotilla_event_ordering_idx ON flotilla_event (ordering);

CREATE TABLE flotilla_snapshot (
  persistence_id VARCHAR(255) NOT NULL,
  sequence_number BIGINT NOT NULL,
  created BIGINT NOT NULL,
  snapshot_ser_id INTEGER NOT NULL,
  snapshot_ser_manifest VARCHAR(255) NOT NULL,
  snapshot_payload BYTEA NOT NULL,
  meta_ser_id INTEGER,
  meta_ser_manifest VARCHAR(255),
  meta_payload BYTEA,
  PRIMARY KEY (persistence_id, sequence_number)
);

-- The fence. Each recovery raises the epoch; an append needs the present epoch and the highest number, which is never lowered,
-- not even when events are deleted: so no number is ever used twice.
CREATE TABLE flotilla_writer (
  persistence_id VARCHAR(255) PRIMARY KEY,
  epoch BIGINT NOT NULL,
  highest BIGINT NOT NULL
);

-- One row. The lease is the founder's, until it is up in the generation it founded.
CREATE TABLE flotilla_cluster (
  one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
  cluster_id UUID NOT NULL,
  key_id VARCHAR(255) NOT NULL,
  formed_by UUID NOT NULL,
  generation BIGINT NOT NULL DEFAULT 0,
  founder_id UUID,
  founder_address VARCHAR(255),
  lease_holder UUID,
  lease_until TIMESTAMPTZ
);

-- Who has which name, and what each node said of the Pekko cluster, and when, by the database's clock.
CREATE TABLE flotilla_node (
  node_id UUID PRIMARY KEY,
  name VARCHAR(255) NOT NULL UNIQUE,
  address VARCHAR(255) NOT NULL,
  roles VARCHAR(255) NOT NULL,
  generation BIGINT NOT NULL DEFAULT 0,
  said TEXT NOT NULL DEFAULT '',
  seen_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- The leases of the split brain resolver.
CREATE TABLE flotilla_lease (
  name VARCHAR(255) PRIMARY KEY,
  holder VARCHAR(255) NOT NULL,
  held_until TIMESTAMPTZ NOT NULL
);
