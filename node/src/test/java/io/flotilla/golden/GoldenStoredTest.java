package io.flotilla.golden;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.typesafe.config.ConfigFactory;
import io.flotilla.claim.event.ClaimEvent;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.ConfigSnapshot;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.model.StoredEntity;
import io.flotilla.config.view.BootCache;
import io.flotilla.journal.raft.PersistedBytes;
import io.flotilla.node.cluster.NodeAnswers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.persistence.PersistentRepr;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Entities as they are committed, secrets as they are sealed, journal entries, the boot cache, and what voters say. */
class GoldenStoredTest {
  private static final Golden DOCUMENTS = new Golden("documents", ".bytes");
  private static final Golden STORED = new Golden("stored", ".bin");
  private static final EntityKey SEALED_ENTITY = EntityKey.of(Kind.USERS, "alice");
  /** The recorded boot cache is of a build that did not know these. */
  private static final Set<String> YOUNGER_THAN_THE_BOOT_CACHE = Set.of("certificates-tls", "listeners-ftp", "nodes-node-2", "nodes-node-3", "nodes-node-4", "storages-nas", "storages-synchronised", "folders-shared",
      "users-dora", "users-erik", "users-frida", "users-gina", "groups-partners", "listeners-ftp-nat", "access-rules-abroad",
      "listeners-sftp-partners", "listeners-ftp-proxied", "listeners-http-proxied");
  private static final String CLEAR = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

  @TempDir private static Path directory;
  private static SecretSealer sealer;
  private static EntityCodec codec;

  @BeforeAll
  static void record() throws Exception {
    Path key = directory.resolve("cluster.key");
    Files.writeString(key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    sealer = new SecretSealer(ClusterKey.read(key));
    codec = new EntityCodec(sealer);
    for (Map.Entry<EntityKey, ObjectNode> document : documents().entrySet()) {
      DOCUMENTS.recordMissing(name(document.getKey()), bytes(document.getValue()), described(document.getKey(), bytes(document.getValue())));
    }
    STORED.recordMissing("sealed-secret", sealer.seal(SEALED_ENTITY, "passwordHash", CLEAR).getBytes(StandardCharsets.US_ASCII),
        text(CLEAR));
    STORED.recordMissing("boot-cache", bootCache(), text(config().toString()));
    STORED.recordMissing("voter-answer", NodeAnswers.example(), EntityCodec.JSON.readTree(NodeAnswers.example()));
    withSystem(persisted -> {
      for (Map.Entry<String, Object> payload : payloads().entrySet()) {
        STORED.recordMissing(payload.getKey(), persisted.write(payload.getValue(), 42, "configuration"),
            text(payload.getValue().getClass().getName()));
      }
    });
  }

  /** Every field of every kind; each secret was sealed once and for all. */
  private static Map<EntityKey, ObjectNode> documents() throws IOException {
    Map<EntityKey, ObjectNode> documents = new TreeMap<>();
    put(documents, Kind.USERS, "alice", """
        {"enabled": false, "expiresAt": "2027-01-31T12:00:00Z",
         "publicKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@laptop"],
         "home": {"storage": "main", "path": "/users/alice"}}""", "passwordHash");
    put(documents, Kind.USERS, "bob", "{}", "");
    put(documents, Kind.USERS, "dora", """
        {"folders": [{"at": "/shared", "folder": "shared", "permissions": ["list", "download"]}, {"at": "/all", "folder": "shared"}],
         "permissions": {"/": ["*"], "/inbox": ["list", "upload"], "/closed": []}}""", "");
    put(documents, Kind.USERS, "erik", "{\"groups\": [\"partners\"]}", "");
    put(documents, Kind.GROUPS, "partners", """
        {"enabled": true, "expiresAt": "2027-01-31T12:00:00Z", "home": {"storage": "main", "path": "/partners/${user}"},
         "folders": [{"at": "/shared", "folder": "shared", "permissions": ["*"]}], "permissions": {"/": ["list"]},
         "limits": {"quotaBytes": 1000000, "quotaFiles": 100}}""", "");
    put(documents, Kind.FOLDERS, "shared", "{\"storage\": \"main\", \"path\": \"/shared/${user}\"}", "");
    put(documents, Kind.LISTENERS, "sftp", """
        {"protocol": "sftp", "address": "192.0.2.1", "port": 2022, "nodes": ["node-1", "role:gateway"], "enabled": false,
         "maxConnections": 77, "idleTimeout": "90s", "ssh": {"hostKeys": ["ed25519"]}}""", "");
    put(documents, Kind.LISTENERS, "sftp-partners", """
        {"protocol": "sftp", "port": 2023, "ssh": {"scp": false, "userCertificateAuthorities":
         ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f authority"],
         "algorithms": {"keyExchange": ["curve25519-sha256", "diffie-hellman-group14-sha1"], "ciphers": ["aes256-ctr", "aes256-cbc"],
         "macs": ["hmac-sha1"], "hostKeys": ["ssh-rsa"], "publicKeys": ["ssh-ed25519"]}}}""", "");
    put(documents, Kind.LISTENERS, "ftp", """
        {"protocol": "ftp", "port": 2021, "ftp": {"tls": "required", "certificate": "tls", "requireSessionReuse": true,
         "passivePorts": "20050-20079", "passiveAddress": "192.0.2.7"}}""", "");
    put(documents, Kind.STORAGES, "main", "{\"type\": \"local\", \"path\": \"/srv/${node}/files\", \"shared\": true}", "");
    put(documents, Kind.STORAGES, "nas", "{\"path\": \"/mnt/nas\", \"shared\": true, \"guard\": \".flotilla-storage\"}", "");
    put(documents, Kind.STORAGES, "synchronised", "{\"path\": \"/srv/synchronised\", \"recentChanges\": \"30m\"}", "");
    put(documents, Kind.CERTIFICATES, "tls", """
        {"selfSigned": {"names": ["ftp.example.org", "192.0.2.1"]}, "certificate": "-----BEGIN CERTIFICATE-----\\n\
        MIIBmjCCAUCgAwIBAgIIPAt2g74LVvEwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAxMH\\n\
        VGVzdCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMjE5MTExNDAwMDAwMFowLDEQMA4G\\n\
        A1UEChMHRXhhbXBsZTEYMBYGA1UEAxMPZnRwLmV4YW1wbGUub3JnMFkwEwYHKoZI\\n\
        zj0CAQYIKoZIzj0DAQcDQgAE/yJp7K5dgVVMNZPQtILOuKYzxooqJ0QtULyvNZ66\\n\
        0JEXqVPrRJBJtClx1QCgf3n4a7ZYjF+fChlZqm0mVEf8VKNkMGIwHQYDVR0OBBYE\\n\
        FH3SXfVI72bn56iX0XQRTOsU+GvFMCAGA1UdEQQZMBeCD2Z0cC5leGFtcGxlLm9y\\n\
        Z4cEwAACATAfBgNVHSMEGDAWgBQPBruW14pjqmY6jvejzZ3HkMKZhjAKBggqhkjO\\n\
        PQQDAgNIADBFAiAzCFMhQkx+qxB9Mrh1+DYcXDiBN2SNzPoK+4eguU3LSwIhAMAX\\n\
        ZjvbgOZ7aSfXPA+5LB2NY6aJ6+9bOA5GAeWsNuRD\\n\
        -----END CERTIFICATE-----\\n"}""", "privateKey");
    put(documents, Kind.HOST_KEYS, "ed25519", "{\"algorithm\": \"ed25519\"}", "privateKey");
    put(documents, Kind.NODES, "node-1", """
        {"listeners": {"sftp": {"address": "192.0.2.9", "port": 2222}}, "storages": {"main": {"path": "/mnt/files"}}}""", "");
    put(documents, Kind.NODES, "node-2", "{\"listeners\": {\"ftp\": {\"passiveAddress\": \"192.0.2.8\"}}}", "");
    put(documents, Kind.USERS, "frida", """
        {"protocols": ["sftp"], "allowFrom": ["192.0.2.0/24", "2001:db8::/32"], "denyFrom": ["192.0.2.7"],
         "limits": {"sessions": 5, "uploadBytesPerSecond": 1000000, "downloadBytesPerSecond": 2000000}}""", "");
    put(documents, Kind.USERS, "gina", "{\"authentication\": [\"password\", \"public-key\", \"public-key+password\"]}", "");
    put(documents, Kind.LISTENERS, "ftp-nat", """
        {"protocol": "ftp", "port": 2121, "maxConnectionsPerAddress": 9, "ftp": {
         "passiveNetworks": [{"from": ["10.0.0.0/8"], "address": "10.1.2.3"}, {"from": ["192.168.0.0/16"]}]}}""", "");
    put(documents, Kind.LISTENERS, "ftp-proxied", """
        {"protocol": "ftp", "port": 2122, "proxyProtocol": "required", "trustedProxies": ["10.0.0.7", "2001:db8:7::/64"]}""", "");
    put(documents, Kind.LISTENERS, "http-proxied", """
        {"protocol": "http", "port": 8080, "proxyProtocol": "optional", "trustedProxies": ["10.0.0.0/28"],
         "http": {"tls": false, "webClient": false, "forwardedBy": "forwarded"}}""", "");
    put(documents, Kind.ACCESS_RULES, "abroad", """
        {"action": "deny", "from": ["198.51.100.0/24", "2001:db8:7::/48"], "protocols": ["ftp", "sftp"], "priority": 7}""", "");
    put(documents, Kind.NODES, "node-3", """
        {"listeners": {"ftp": {"passivePorts": "20150-20179", "passiveNetworks": [{"from": ["10.0.0.0/8"], "address": "10.1.2.3"}]}}}""", "");
    put(documents, Kind.NODES, "node-4", """
        {"labels": {"site": "Zürich", "rack": "7"}}""", "");
    put(documents, Kind.ADMINS, "root", "{\"role\": \"operator\"}", "tokenHash");
    put(documents, Kind.POLICIES, "history", "{\"changes\": 500}", "");
    put(documents, Kind.POLICIES, "primary", "{\"preferred\": \"node-1\"}", "");
    return documents;
  }

  private static final Map<String, String> SEALED = Map.of(
      "alice", "1.fa0cde5e86539aca.XU7m4BQw2o0SNOBXybp+YlKDBchYrtgB6vGWhPpp2/EoKfDvrjC5rp8HcgHriBRDqL/eH2eg7dC/iBoBQesgjp8ds/nEwQZ0",
      "ed25519", "1.fa0cde5e86539aca.OSiaXLtmk67VCLXxsqSOIk9T+Mt9dHaHjhwc2f3/xo29tLmyIi1weBNCcu9n+Sv3hhZnx//gJ6/YN4ABRxAH",
      "tls", "1.fa0cde5e86539aca.Mxel8150AcJATbAR7i8+uHbe+3YXovX9CvJb2bjqU7m5CeDanpawKxsSFeDCw62d4OgAC9RWxA==",
      "root", "1.fa0cde5e86539aca.PpdI6u5IZ+ZhaSKximPfjlq6ilsrKQv6njzXo0kMhDNbTvUwh1jjRpaxESI7L7DGBLxnDbErlIqg6I/l");

  private static void put(Map<EntityKey, ObjectNode> documents, Kind kind, String name, String json, String secret)
      throws IOException {
    ObjectNode document = (ObjectNode) EntityCodec.JSON.readTree(json);
    if (!secret.isEmpty()) {
      document.putObject(secret).put("$sealed", SEALED.get(name));
    }
    documents.put(EntityKey.of(kind, name), document);
  }

  @Test
  void everyKind_isRecorded() throws IOException {
    Set<String> recorded = documents().keySet().stream().map(EntityKey::kind).collect(Collectors.toSet());

    assertEquals(Arrays.stream(Kind.values()).map(Kind::id).collect(Collectors.toSet()), recorded,
        "add a document with every field of the new kind to GoldenStoredTest, and record it by: " + Golden.HOW_TO_RECORD);
    DOCUMENTS.assertOnly(documents().keySet().stream().map(GoldenStoredTest::name).toList());
  }

  @Test
  void recordedDocuments_areGoodForThisBuild_andReadAsBefore() throws IOException {
    for (Map.Entry<EntityKey, ObjectNode> document : documents().entrySet()) {
      String name = name(document.getKey());
      byte[] recorded = DOCUMENTS.bytes(name);

      assertEquals(List.of(), codec.check(document.getKey(), (ObjectNode) EntityCodec.JSON.readTree(recorded)), name);
      DOCUMENTS.assertReadable(name, described(document.getKey(), recorded));
      DOCUMENTS.assertSame(name, bytes(document.getValue()));
    }
  }

  /** The digest goes over the bytes as committed; a build that computed another one would part from all others. */
  @Test
  void digest_ofTheRecordedDocuments_isTheSame() throws IOException {
    STORED.assertReadable("boot-cache", text(config().toString()));
  }

  @Test
  void recordedSecret_isOpened() {
    assertEquals(CLEAR, sealer.open(SEALED_ENTITY, "passwordHash",
        new String(STORED.bytes("sealed-secret"), StandardCharsets.US_ASCII)));
  }

  @Test
  void recordedBootCache_isLoaded_andWrittenTheSame() throws IOException {
    Path file = directory.resolve("boot-cache");
    Files.write(file, STORED.bytes("boot-cache"));
    try (BootCache cache = new BootCache(file, codec)) {
      assertEquals(Optional.of(config()), cache.load());
    }
    STORED.assertSame("boot-cache", bootCache());
  }

  @Test
  void recordedNodeAnswer_isRead_alsoWithFieldsOfANewerBuild() throws IOException {
    ObjectNode more = (ObjectNode) EntityCodec.JSON.readTree(STORED.bytes("voter-answer"));
    more.putObject("addedLater").put("by", "a newer build");
    more.path("members").forEach(member -> ((ObjectNode) member).put("addedLater", 1));

    assertTrue(NodeAnswers.isExample(STORED.bytes("voter-answer")));
    assertTrue(NodeAnswers.isExample(EntityCodec.JSON.writeValueAsBytes(more)));
    STORED.assertSame("voter-answer", NodeAnswers.example());
  }

  @Test
  void recordedJournalEntries_areRead_andWrittenTheSame() throws Exception {
    withSystem(persisted -> {
      for (Map.Entry<String, Object> payload : payloads().entrySet()) {
        byte[] recorded = STORED.bytes(payload.getKey());

        PersistentRepr read = persisted.read(recorded);

        assertEquals(payload.getValue().getClass(), read.payload().getClass());
        assertEquals(42, read.sequenceNr());
        assertEquals("configuration", read.persistenceId());
        assertArrayEquals(recorded, persisted.write(read.payload(), 42, "configuration"));
        STORED.assertSame(payload.getKey(), persisted.write(payload.getValue(), 42, "configuration"));
      }
    });
  }

  @Test
  void recordedFiles_haveAnExample() throws IOException {
    List<String> names = new java.util.ArrayList<>(List.of("sealed-secret", "boot-cache", "voter-answer"));
    names.addAll(payloads().keySet());

    STORED.assertOnly(names);
  }

  private static Map<String, Object> payloads() {
    return Map.of(
        "entry-ConfigChanged", MessageExamples.CHANGED,
        "entry-ConfigSnapshot", new ConfigSnapshot(42, MessageExamples.DIGEST, List.of(), List.of(MessageExamples.CHANGED)),
        "entry-ConfigSnapshot-lookups",
        new ConfigSnapshot(42, MessageExamples.DIGEST, List.of(), List.of(MessageExamples.CHANGED), MessageExamples.LOOKUPS),
        "entry-ClaimGranted", new ClaimEvent.ClaimGranted(MessageExamples.CLAIM));
  }

  private interface WithPersisted {
    void run(PersistedBytes persisted) throws Exception;
  }

  private static void withSystem(WithPersisted work) throws Exception {
    ActorSystem system = ActorSystem.create("golden", ConfigFactory
        .parseString("pekko { actor.provider = local, loglevel = WARNING }").withFallback(ConfigFactory.load()));
    try {
      work.run(new PersistedBytes(system));
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().join();
    }
  }

  /** The recorded documents as the boot cache has them, and a change of one of them. */
  private static ClusterConfig config() throws IOException {
    ClusterConfig before = ClusterConfig.of(41, stored(), codec);
    return before.apply(change(), codec);
  }

  private static List<StoredDocument> stored() throws IOException {
    return documents().keySet().stream().filter(key -> !YOUNGER_THAN_THE_BOOT_CACHE.contains(name(key)))
        .map(key -> new StoredDocument(key.kind(), key.name(), 40, DOCUMENTS.bytes(name(key)))).toList();
  }

  private static ConfigChanged change() {
    return new ConfigChanged(42, "change-id-42", MessageExamples.CHANGED.at(), MessageExamples.AUTHOR, "one more",
        List.of(new EntityChange("users", "carol", 0, null, "{}".getBytes(StandardCharsets.UTF_8))), MessageExamples.DIGEST);
  }

  private static byte[] bootCache() throws IOException {
    Path file = directory.resolve("written");
    Files.deleteIfExists(file);
    ClusterConfig before = ClusterConfig.of(41, stored(), codec);
    try (BootCache cache = new BootCache(file, codec)) {
      cache.store(ConfigDelta.between(ClusterConfig.EMPTY, before), Optional.empty());
      cache.store(ConfigDelta.between(before, config()), Optional.of(change()));
    }
    return Files.readAllBytes(file);
  }

  private static JsonNode described(EntityKey key, byte[] document) {
    StoredEntity entity = codec.read(new StoredDocument(key.kind(), key.name(), 1, document));
    return EntityCodec.describe(entity.entity());
  }

  private static JsonNode text(String text) {
    return EntityCodec.JSON.getNodeFactory().textNode(text);
  }

  private static byte[] bytes(ObjectNode document) throws IOException {
    return EntityCodec.JSON.writeValueAsBytes(document);
  }

  private static String name(EntityKey key) {
    return key.kind() + "-" + key.name();
  }
}
