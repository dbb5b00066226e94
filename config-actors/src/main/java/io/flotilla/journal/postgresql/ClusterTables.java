package io.flotilla.journal.postgresql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * What the nodes of a cluster agree about in the database, besides the configuration. Each method is one transaction, and every
 * change that others could make too is a compare-and-set. Times are the database's. Safe for all threads; calls block.
 */
public final class ClusterTables {
  /** A node that has not told for so long that it lives is dead. */
  public static final Duration PRESENCE = Duration.ofSeconds(10);
  /** How long the founder of a generation has to come up in it. */
  static final Duration FOUNDER_LEASE = Duration.ofSeconds(15);

  /** The cluster whose tables these are. */
  public record ClusterRow(UUID clusterId, String keyId, UUID formedBy) {}

  /**
   * A node that has a name.
   *
   * @param generation of the Pekko cluster it said it is up in, 0 for none
   * @param said what else it said
   * @param alive whether it said so within {@link #PRESENCE}
   */
  public record NodeRow(UUID nodeId, String name, String address, List<String> roles, long generation, String said, boolean alive) {}

  // A time in the future is that of a clock since set back; it must not keep the dead alive.
  private static final String ALIVE = "seen_at BETWEEN clock_timestamp() - interval '" + PRESENCE.toSeconds()
      + " seconds' AND clock_timestamp() + interval '1 second'";

  private final Database database;

  public ClusterTables(Database database) {
    this.database = database;
  }

  public Optional<ClusterRow> cluster() throws DatabaseException {
    return database.inTransaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement("SELECT cluster_id, key_id, formed_by FROM flotilla_cluster");
          ResultSet row = select.executeQuery()) {
        return row.next()
            ? Optional.of(new ClusterRow(row.getObject(1, UUID.class), row.getString(2), row.getObject(3, UUID.class)))
            : Optional.empty();
      }
    });
  }

  /** Makes the cluster; false if there is one already, perhaps made by another node at this moment. */
  public boolean form(ClusterRow cluster) throws DatabaseException {
    return database.inTransaction(connection -> update(connection,
        "INSERT INTO flotilla_cluster (cluster_id, key_id, formed_by) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        cluster.clusterId(), cluster.keyId(), cluster.formedBy()) == 1);
  }

  /**
   * Enters a node under its name. One node id has one name and one address.
   *
   * @param formerHolder the node that may have had the name
   * @return false if yet another node has the name
   */
  public boolean enter(UUID nodeId, String name, String address, List<String> roles, Optional<UUID> formerHolder)
      throws DatabaseException {
    return database.inTransaction(connection -> {
      // Two that enter at the same time take turns.
      update(connection, "LOCK TABLE flotilla_node IN SHARE ROW EXCLUSIVE MODE");
      Optional<UUID> holder = holder(connection, name);
      if (holder.isPresent() && !holder.get().equals(nodeId) && !holder.equals(formerHolder)) {
        return false;
      }
      update(connection, "DELETE FROM flotilla_node WHERE node_id <> ? AND (name = ? OR address = ?)", nodeId, name, address);
      update(connection, """
          INSERT INTO flotilla_node (node_id, name, address, roles) VALUES (?, ?, ?, ?)
          ON CONFLICT (node_id) DO UPDATE
          SET name = excluded.name, address = excluded.address, roles = excluded.roles, seen_at = excluded.seen_at""",
          nodeId, name, address, String.join(",", roles));
      return true;
    });
  }

  private static Optional<UUID> holder(Connection connection, String name) throws SQLException {
    try (PreparedStatement select = prepare(connection, "SELECT node_id FROM flotilla_node WHERE name = ?", name);
        ResultSet row = select.executeQuery()) {
      return row.next() ? Optional.of(row.getObject(1, UUID.class)) : Optional.empty();
    }
  }

  /** Tells that a node lives, and what it sees. A founder that is up in its generation gives back its lease. */
  public void tell(UUID nodeId, long generation, String said) throws DatabaseException {
    database.inTransaction(connection -> {
      update(connection, "UPDATE flotilla_node SET generation = ?, said = ?, seen_at = clock_timestamp() WHERE node_id = ?",
          generation, said, nodeId);
      if (generation > 0) {
        update(connection, "UPDATE flotilla_cluster SET lease_holder = NULL, lease_until = NULL "
            + "WHERE lease_holder = ? AND generation = ?", nodeId, generation);
      }
      return true;
    });
  }

  public List<NodeRow> nodes() throws DatabaseException {
    return database.inTransaction(connection -> {
      List<NodeRow> nodes = new ArrayList<>();
      try (PreparedStatement select = connection.prepareStatement(
              "SELECT node_id, name, address, roles, generation, said, " + ALIVE + " FROM flotilla_node ORDER BY name");
          ResultSet row = select.executeQuery()) {
        while (row.next()) {
          nodes.add(new NodeRow(row.getObject(1, UUID.class), row.getString(2), row.getString(3), List.of(row.getString(4).split(",")),
              row.getLong(5), row.getString(6), row.getBoolean(7)));
        }
      }
      return List.copyOf(nodes);
    });
  }

  /** Takes a dead node out of the registry; false if there is none of that name, or it lives. */
  public boolean forget(String name) throws DatabaseException {
    return database.inTransaction(connection ->
        update(connection, "DELETE FROM flotilla_node WHERE name = ? AND NOT (" + ALIVE + ")", name) == 1);
  }

  /** The valid generation of the Pekko cluster, 0 before the first. */
  public long generation() throws DatabaseException {
    return database.inTransaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement("SELECT generation FROM flotilla_cluster");
          ResultSet row = select.executeQuery()) {
        return row.next() ? row.getLong(1) : 0L;
      }
    });
  }

  /**
   * Makes a generation after {@code expected} the valid one, and a node its founder: only if nobody else was faster, no other
   * living node is in the expected one, and its founder has come up or had its time.
   *
   * @return the new generation; empty if nothing was changed
   */
  public OptionalLong found(long expected, UUID nodeId, String address) throws DatabaseException {
    String sql = """
        UPDATE flotilla_cluster
        SET generation = %3$s, founder_id = ?, founder_address = ?, lease_holder = ?,
            lease_until = clock_timestamp() + interval '%1$d seconds'
        WHERE generation = ?
          AND (lease_holder IS NULL OR lease_holder = ? OR lease_until < clock_timestamp()
              OR lease_until > clock_timestamp() + interval '%1$d seconds')
          AND NOT EXISTS (SELECT 1 FROM flotilla_node WHERE generation = ? AND generation > 0 AND node_id <> ? AND %2$s)
        RETURNING generation""".formatted(FOUNDER_LEASE.toSeconds(), ALIVE, Database.later("generation"));
    return database.inTransaction(connection -> {
      try (PreparedStatement found =
              prepare(connection, sql, nodeId, address, nodeId, expected, nodeId, expected, nodeId);
          ResultSet row = found.executeQuery()) {
        return row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty();
      }
    });
  }

  /** A founder that can't come up in its generation gives back its lease, so that another need not wait for its end. */
  public void giveUpFounding(UUID nodeId) throws DatabaseException {
    database.inTransaction(connection -> update(connection,
        "UPDATE flotilla_cluster SET lease_holder = NULL, lease_until = NULL WHERE lease_holder = ?", nodeId));
  }

  /** Takes or prolongs a lease; false if another holds it. */
  boolean acquire(String lease, String holder, Duration time) throws DatabaseException {
    return database.inTransaction(connection -> update(connection, """
        INSERT INTO flotilla_lease (name, holder, held_until)
        VALUES (?, ?, clock_timestamp() + ? * interval '1 millisecond')
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
        WHERE flotilla_lease.holder = excluded.holder OR flotilla_lease.held_until < clock_timestamp()
            OR flotilla_lease.held_until > excluded.held_until""", lease, holder, time.toMillis()) == 1);
  }

  /** Gives a lease back, if it is this holder's. */
  void release(String lease, String holder) throws DatabaseException {
    database.inTransaction(connection ->
        update(connection, "DELETE FROM flotilla_lease WHERE name = ? AND holder = ?", lease, holder));
  }

  private static int update(Connection connection, String sql, Object... parameters) throws SQLException {
    try (PreparedStatement statement = prepare(connection, sql, parameters)) {
      return statement.executeUpdate();
    }
  }

  private static PreparedStatement prepare(Connection connection, String sql, Object... parameters) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
    return statement;
  }
}
