package io.flotilla.config.model;

import static io.flotilla.config.model.ConfigExamples.CODEC;
import static io.flotilla.config.model.ConfigExamples.SEALER;
import static io.flotilla.config.model.ConfigExamples.commit;
import static io.flotilla.config.model.ConfigExamples.delete;
import static io.flotilla.config.model.ConfigExamples.initial;
import static io.flotilla.config.model.ConfigExamples.patch;
import static io.flotilla.config.model.ConfigExamples.put;
import static io.flotilla.config.model.ConfigExamples.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.event.EntityChange;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigEditorTest {
  private final ClusterConfig config = initial();

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "users|{\"passwort\":\"x\"}|/operations/0/value/passwort|is not a field of users",
      "users|{\"enabled\":\"yes\"}|/operations/0/value/enabled|must be true or false",
      "users|{\"home\":{\"storage\":\"nowhere\"}}|/operations/0/value/home/storage|there is no storage named 'nowhere'",
      "users|{\"home\":{\"path\":\"/a/../../etc\"}}|/operations/0/value/home/path|must not step back by '..'",
      "users|{\"home\":\"/x\"}|/operations/0/value/home|must be an object",
      "users|{\"publicKeys\":[\"ssh-ed25519 nonsense!\"]}|/operations/0/value/publicKeys/0|the key is not base64 text",
      "users|{\"expiresAt\":\"tomorrow\"}|/operations/0/value/expiresAt|must be a time such as 2027-01-31T12:00:00Z",
      "listeners|{\"protocol\":\"sftp\"}|/operations/0/value/port|is required",
      "listeners|{\"protocol\":\"sftp\",\"port\":70000}|/operations/0/value/port|must be a whole number from 1 to 65535",
      "listeners|{\"protocol\":\"gopher\",\"port\":70}|/operations/0/value/protocol|must be 'sftp', 'ftp' or 'http', the protocols this release serves",
      "listeners|{\"protocol\":\"sftp\",\"port\":2022}|/operations/0/value/port|listener 'sftp' has port 2022 on the same address",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"hostKeys\":[\"rsa\"]}}|/operations/0/value/ssh/hostKeys/0|there is no host key named 'rsa'",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"scp\":\"no\"}}|/operations/0/value/ssh/scp|must be true or false",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"algorithms\":{\"macs\":[\"hmac-md5\"]}}}|/operations/0/value/ssh/algorithms/macs/0|is not an algorithm to choose here; there are hmac-sha2-256-etm@openssh.com, hmac-sha2-512-etm@openssh.com, hmac-sha2-256, hmac-sha2-512, hmac-sha1-etm@openssh.com, hmac-sha1",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"algorithms\":{\"ciphers\":[]}}}|/operations/0/value/ssh/algorithms/ciphers|has to name an algorithm; leave it out for the default",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"algorithms\":{\"ciphers\":[\"aes128-ctr\",\"aes128-ctr\"]}}}|/operations/0/value/ssh/algorithms/ciphers|names an algorithm twice",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"algorithms\":{\"kex\":[]}}}|/operations/0/value/ssh/algorithms/kex|is not a field of /ssh/algorithms",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"userCertificateAuthorities\":[\"x\"]}}|/operations/0/value/ssh/userCertificateAuthorities/0|must be a line such as 'ssh-ed25519 AAAA... comment'",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"userCertificateAuthorities\":[\"ssh-dss AAAAB3NzaC1kc3MA\"]}}|/operations/0/value/ssh/userCertificateAuthorities/0|must be a public key of the type ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521 or ssh-rsa",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ssh\":{\"userCertificateAuthorities\":[\"ssh-rsa AAAAB3NzaC1yc2EAAAABAwAAAAEF\"]}}|/operations/0/value/ssh/userCertificateAuthorities/0|an RSA key needs 2048 bits",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"address\":\"example.org\"}|/operations/0/value/address|must be an IPv4 or IPv6 address",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"idleTimeout\":\"8d\"}|/operations/0/value/idleTimeout|must be at most 168h",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"ftp\":{}}|/operations/0/value/ftp|is only for listeners with the protocol 'ftp'; leave it out, or set it to null",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ssh\":{}}|/operations/0/value/ssh|is only for listeners with the protocol 'sftp'; leave it out, or set it to null",
      "listeners|{\"protocol\":\"http\",\"port\":80}|/operations/0/value/http|is required: it names the certificate, or sets tls to false",
      "listeners|{\"protocol\":\"http\",\"port\":443,\"http\":{}}|/operations/0/value/http/certificate|is required, unless tls is false",
      "listeners|{\"protocol\":\"http\",\"port\":443,\"http\":{\"certificate\":\"web\"}}|/operations/0/value/http/certificate|there is no certificate named 'web'",
      "listeners|{\"protocol\":\"sftp\",\"port\":2023,\"http\":{\"tls\":false}}|/operations/0/value/http|is only for listeners with the protocol 'http'; leave it out, or set it to null",
      "listeners|{\"protocol\":\"ftp\",\"port\":2022}|/operations/0/value/port|listener 'sftp' has port 2022 on the same address",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passivePorts\":\"79-50\"}}|/operations/0/value/ftp/passivePorts|must be a range of ports such as 20050-20079, from 1 to 65535 and the lower first",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passivePorts\":\"0-50\"}}|/operations/0/value/ftp/passivePorts|must be a range of ports such as 20050-20079, from 1 to 65535 and the lower first",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passivePorts\":\"50\"}}|/operations/0/value/ftp/passivePorts|must be a range of ports such as 20050-20079, from 1 to 65535 and the lower first",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passivePorts\":\"60000-65536\"}}|/operations/0/value/ftp/passivePorts|must be a range of ports such as 20050-20079, from 1 to 65535 and the lower first",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passivePorts\":\"20-21\"}}|/operations/0/value/ftp/passivePorts|holds the listener's own port 21",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passivePorts\":\"2000-3000\"}}|/operations/0/value/ftp/passivePorts|the passive ports 2000-3000 hold port 2022 of listener 'sftp' on the same address",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passiveAddress\":\"ftp.example.org\"}}|/operations/0/value/ftp/passiveAddress|must be an IPv4 or IPv6 address",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passiveAddress\":\"2001:db8::1\"}}|/operations/0/value/ftp/passiveAddress|must be an IPv4 address that clients can connect to; over IPv6 they are not told an address",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passiveAddress\":\"0.0.0.0\"}}|/operations/0/value/ftp/passiveAddress|must be an IPv4 address that clients can connect to; over IPv6 they are not told an address",
      "nodes|{\"listeners\":{\"sftp\":{\"passiveAddress\":\"192.0.2.1\"}}}|/operations/0/value/listeners/sftp|listener 'sftp' is not an ftp listener, and has no passive mode",
      "storages|{\"path\":\"relative\"}|/operations/0/value/path|must be an absolute path",
      "storages|{\"path\":\"/srv\",\"guard\":\"a/b\"}|/operations/0/value/guard|must be the name of a file, without a directory",
      "storages|{\"path\":\"/srv\",\"guard\":\"..\"}|/operations/0/value/guard|must be the name of a file, without a directory",
      "storages|{\"path\":\"/srv\",\"recentChanges\":\"never\"}|/operations/0/value/recentChanges|must be a duration such as 500ms, 90s, 10m or 1h, or 'off'",
      "storages|{\"path\":\"/srv\",\"recentChanges\":\"500ms\"}|/operations/0/value/recentChanges|must be at least 1s, or 'off'",
      "storages|{\"path\":\"/srv\",\"recentChanges\":\"2d\"}|/operations/0/value/recentChanges|must be at most 24h, or 'off'",
      "users|{\"limits\":{\"quotaBytes\":-1}}|/operations/0/value/limits/quotaBytes|must be a whole number from 0 on",
      "users|{\"limits\":{\"quotaFiles\":\"7\"}}|/operations/0/value/limits/quotaFiles|must be a whole number from 0 on",
      "users|{\"groups\":[\"none\"]}|/operations/0/value/groups/0|there is no group named 'none'",
      "groups|{\"home\":{\"storage\":\"none\"}}|/operations/0/value/home/storage|there is no storage named 'none'",
      "groups|{\"folders\":[{\"at\":\"/x\",\"folder\":\"none\"}]}|/operations/0/value/folders/0/folder|there is no folder named 'none'",
      "groups|{\"permissions\":{\"/in\":[\"list\"]}}|/operations/0/value/permissions|must have a rule for '/', which holds where no other does",
      "groups|{\"publicKeys\":[]}|/operations/0/value/publicKeys|is not a field of groups",
      "folders|{\"storage\":\"main\"}|/operations/0/value/path|is required",
      "folders|{\"path\":\"/x\"}|/operations/0/value/storage|is required",
      "folders|{\"storage\":\"none\",\"path\":\"/x\"}|/operations/0/value/storage|there is no storage named 'none'",
      "folders|{\"storage\":\"main\",\"path\":\"/../x\"}|/operations/0/value/path|must not step back by '..'",
      "users|{\"folders\":[{\"at\":\"/x\",\"folder\":\"none\"}]}|/operations/0/value/folders/0/folder|there is no folder named 'none'",
      "users|{\"folders\":[{\"at\":\"/\",\"folder\":\"all\"}]}|/operations/0/value/folders/0/at|must not be '/', where the home is",
      "users|{\"folders\":[{\"at\":\"/x/\",\"folder\":\"all\"}]}|/operations/0/value/folders/0/at|must be written without empty names and '.', such as /in/box",
      "users|{\"folders\":[{\"at\":\"/x\",\"folder\":\"all\"},{\"at\":\"/x\",\"folder\":\"all\"}]}|/operations/0/value/folders/1/at|is the place of another folder already",
      "users|{\"folders\":[{\"at\":\"/x\",\"folder\":\"all\",\"mode\":1}]}|/operations/0/value/folders/0/mode|is not a field of /folders/0",
      "users|{\"folders\":[7]}|/operations/0/value/folders/0|must be an object",
      "users|{\"folders\":{}}|/operations/0/value/folders|must be a list of objects",
      "users|{\"permissions\":{\"/in\":[\"list\"]}}|/operations/0/value/permissions|must have a rule for '/', which holds where no other does",
      "users|{\"permissions\":{\"/\":[\"*\"],\"/a/./b\":[]}}|/operations/0/value/permissions/~1a~1.~1b|must be written without empty names and '.', such as /in/box",
      "users|{\"permissions\":{\"/\":[\"read\"]}}|/operations/0/value/permissions/~1/0|'read' is not a permission; known are *, list, download, upload, overwrite, append, rename, delete, mkdir, rmdir, symlink, chmod, chtimes",
      "users|{\"permissions\":{\"/\":\"*\"}}|/operations/0/value/permissions/~1|must be a list of texts",
      "users|{\"protocols\":[\"gopher\"]}|/operations/0/value/protocols/0|must be 'sftp', 'ftp' or 'http'",
      "users|{\"authentication\":[\"key\"]}|/operations/0/value/authentication/0|must be 'password' or 'public-key' or 'public-key+password'",
      "users|{\"authentication\":[]}|/operations/0/value/authentication|must name at least one method; leave it out for a password or a public key",
      "users|{\"protocols\":[]}|/operations/0/value/protocols|must name at least one protocol; leave it out for all",
      "users|{\"allowFrom\":[]}|/operations/0/value/allowFrom|must name at least one network; leave it out for no such rule",
      "users|{\"allowFrom\":[\"10.0.0.1/8\"]}|/operations/0/value/allowFrom/0|has bits beyond its prefix; the network is 10.0.0.0/8",
      "groups|{\"denyFrom\":[\"all\"]}|/operations/0/value/denyFrom/0|must be an IPv4 or IPv6 address",
      "users|{\"limits\":{\"sessions\":0}}|/operations/0/value/limits/sessions|must be a whole number from 1 to 1000000",
      "users|{\"limits\":{\"uploadBytesPerSecond\":9999}}|/operations/0/value/limits/uploadBytesPerSecond|must be a whole number from 10000 on",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"proxyProtocol\":\"yes\",\"trustedProxies\":[\"10.0.0.1\"]}|/operations/0/value/proxyProtocol|must be 'off', 'optional' or 'required'",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"proxyProtocol\":\"required\"}|/operations/0/value/trustedProxies|is required for proxyProtocol other than 'off': whoever is believed can take any address",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"proxyProtocol\":\"required\",\"trustedProxies\":[]}|/operations/0/value/trustedProxies|must name at least one network; leave it out for no such rule",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"proxyProtocol\":\"required\",\"trustedProxies\":[\"10.0.0.1/8\"]}|/operations/0/value/trustedProxies/0|has bits beyond its prefix; the network is 10.0.0.0/8",
      "listeners|{\"protocol\":\"sftp\",\"port\":21,\"trustedProxies\":[\"10.0.0.0/8\"]}|/operations/0/value/trustedProxies|has no effect without proxyProtocol, unless the listener's protocol is 'http'",
      "listeners|{\"protocol\":\"http\",\"port\":80,\"http\":{\"tls\":false,\"forwardedBy\":\"x-real-ip\"}}|/operations/0/value/http/forwardedBy|must be 'x-forwarded-for', 'forwarded' or 'none'",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"maxConnectionsPerAddress\":0}|/operations/0/value/maxConnectionsPerAddress|must be a whole number from 1 to 1000000",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passiveNetworks\":[{\"address\":\"192.0.2.1\"}]}}|/operations/0/value/ftp/passiveNetworks/0/from|is required",
      "listeners|{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passiveNetworks\":[{\"from\":[\"10.0.0.0/8\"],\"address\":\"::1\"}]}}|/operations/0/value/ftp/passiveNetworks/0/address|must be an IPv4 address that clients can connect to; over IPv6 they are not told an address",
      "nodes|{\"listeners\":{\"sftp\":{\"passiveNetworks\":[{\"from\":[\"10.0.0.0/8\"]}]}}}|/operations/0/value/listeners/sftp|listener 'sftp' is not an ftp listener, and has no passive mode",
      "nodes|{\"listeners\":{\"sftp\":{\"passivePorts\":\"5000-5001\"}}}|/operations/0/value/listeners/sftp|listener 'sftp' is not an ftp listener, and has no passive mode",
      "nodes|{\"listeners\":{\"sftp\":{\"passivePorts\":\"5001\"}}}|/operations/0/value/listeners/sftp/passivePorts|must be a range of ports such as 20050-20079, from 1 to 65535 and the lower first",
      "access-rules|{\"from\":[\"10.0.0.0/8\"]}|/operations/0/value/action|is required",
      "access-rules|{\"action\":\"drop\",\"from\":[\"10.0.0.0/8\"]}|/operations/0/value/action|must be 'allow' or 'deny'",
      "access-rules|{\"action\":\"deny\"}|/operations/0/value/from|is required",
      "access-rules|{\"action\":\"deny\",\"from\":[\"10.0.0.0/8\"],\"priority\":-1}|/operations/0/value/priority|must be a whole number from 0 to 1000000",
      "admins|{}|/operations/0/value/role|is required",
      "nodes|{\"listeners\":{\"ftp\":{\"port\":21}}}|/operations/0/value/listeners/ftp|there is no listener named 'ftp'",
      "nodes|{\"labels\":[]}|/operations/0/value/labels|must be an object",
      "nodes|{\"labels\":{\"site\":1}}|/operations/0/value/labels/site|must be text",
      "nodes|{\"labels\":{\"site\":\"\"}}|/operations/0/value/labels/site|must have 1 to 100 characters, none of them a control character",
      "planets|{}|/operations/0/value|'planets' is not a kind of entity; known are users, groups, listeners, storages, folders, certificates, host-keys, access-rules, nodes, admins, policies",
      "policies|{}|/operations/0/value|'new' is not a policy; known are health, history, primary, sessions, uploads"})
  void edit_badDocument_isRefusedWithAPointer(String kind, String json, String pointer, String detail) {
    Refusal refusal = refusal(config, put(kind, "new", json));

    assertEquals(Refusal.Reason.INVALID, refusal.reason());
    assertEquals(List.of(new FieldError(pointer, detail)), refusal.errors());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"idleTimeout|999ms|must be at least 1s", "idleTimeout|32d|must be at most 744h",
      "lifetime|59s|must be at least 1m"})
  void sessionTimeouts_outOfTheirBounds_areRefused(String field, String value, String detail) {
    Refusal refusal = refusal(config, put("policies", "sessions", "{\"" + field + "\":\"" + value + "\"}"));
    assertEquals(List.of(new FieldError("/operations/0/value/" + field, detail)), refusal.errors());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"isolatedAfter|4s|must be at least 5s, or never", "isolatedAfter|25h|must be at most 24h, or never",
      "maxBehind|999ms|must be at least 1s, or never", "maxBehind|soon|must be a duration such as 500ms, 90s, 10m or 1h, or never"})
  void staleness_outOfItsBounds_isRefused(String field, String value, String detail) {
    Refusal refusal = refusal(config, put("policies", "health", "{\"" + field + "\":\"" + value + "\"}"));
    assertEquals(List.of(new FieldError("/operations/0/value/" + field, detail)), refusal.errors());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"59m|must be at least 1h", "366d|must be at most 8760h",
      "7|must be a duration such as 500ms, 90s, 10m or 1h"})
  void keepPartials_outOfItsBounds_isRefused(String keep, String detail) {
    Refusal refusal = refusal(config, put("policies", "uploads", "{\"keepPartials\":\"" + keep + "\"}"));
    assertEquals(List.of(new FieldError("/operations/0/value/keepPartials", detail)), refusal.errors());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a/b", "a\\b", "../bob", "bob\u0000", "new\nline", "%2e%2e", " bob", "bob ",
      "\u202eevil", "\ud800", "a\u2028b"})
  void edit_badName_isRefused(String name) {
    assertEquals(Refusal.Reason.INVALID, refusal(config, put("users", name, "{}")).reason());
  }

  @Test
  void edit_nameOf129Characters_isRefused_and128_isTaken() {
    assertEquals(Refusal.Reason.INVALID, refusal(config, put("users", "x".repeat(129), "{}")).reason());
    assertTrue(commit(config, List.of(put("users", "ü".repeat(128), "{}"))).stored(
        EntityKey.of(Kind.USERS, "ü".repeat(128))).isPresent());
  }

  @Test
  void edit_severalFaults_reportsAll() {
    Refusal refusal = refusal(config,
        put("users", "a", "{\"enabled\":1,\"x\":2}"), put("storages", "s", "{\"path\":\"p\"}"));

    assertEquals(3, refusal.errors().size());
  }

  @Test
  void edit_staleVersion_isRefused() {
    ClusterConfig two = commit(config, List.of(put("users", "alice", "{}")));

    assertEquals(Refusal.Reason.STALE, refusal(two, put("users", "alice", "{}", 1)).reason());
    assertEquals(Refusal.Reason.STALE, refusal(two, put("users", "alice", "{}", Operation.ABSENT)).reason());
    assertEquals(Refusal.Reason.STALE, refusal(two, put("users", "bob", "{}", Operation.EXISTS)).reason());
    assertEquals(3, commit(two, List.of(put("users", "alice", "{}", 2))).version());
  }

  @Test
  void edit_patchOfANodeOrPolicyWithoutAnEntity_makesIt_unlessOneIsExpected() {
    ClusterConfig two = commit(config, List.of(patch("nodes", "node-1", "{\"storages\":{\"main\":{\"path\":\"/srv/a\"}}}"),
        patch("policies", "health", "{\"maxBehind\":\"1m\"}")));

    assertEquals("{\"storages\":{\"main\":{\"path\":\"/srv/a\"}}}", text(two, Kind.NODES, "node-1"));
    assertEquals("{\"maxBehind\":\"1m\"}", text(two, Kind.POLICIES, "health"));
    assertEquals(Refusal.Reason.STALE, refusal(config, new Operation(Operation.Action.PATCH, "nodes", "node-1", "{}".getBytes(),
        Operation.EXISTS)).reason());
    assertEquals(Refusal.Reason.INVALID, refusal(config, patch("policies", "unknown", "{}")).reason());
  }

  private static String text(ClusterConfig config, Kind kind, String name) {
    return new String(config.stored(EntityKey.of(kind, name)).orElseThrow().document(), StandardCharsets.UTF_8);
  }

  @Test
  void edit_whatIsMissing_cannotBeDeletedOrPatched() {
    assertEquals(Refusal.Reason.NOT_FOUND, refusal(config, delete("users", "nobody")).reason());
    assertEquals(Refusal.Reason.NOT_FOUND, refusal(config, patch("users", "nobody", "{}")).reason());
  }

  @Test
  void edit_storageInUse_cannotBeDeleted() {
    ClusterConfig two = commit(config, List.of(put("users", "alice", "{}")));

    Refusal refusal = refusal(two, delete("storages", "main"));

    assertEquals(Refusal.Reason.CONFLICT, refusal.reason());
    assertEquals("storages/main is still needed by users/alice", refusal.detail());
  }

  @Test
  void edit_folderInUse_andStorageOfAFolder_cannotBeDeleted() {
    ClusterConfig two = commit(config, List.of(
        put("storages", "nas", "{\"path\":\"/mnt/nas\"}"),
        put("folders", "inbox", "{\"storage\":\"nas\",\"path\":\"/in\"}"),
        put("users", "alice", "{\"folders\":[{\"at\":\"/in\",\"folder\":\"inbox\"}]}")));

    assertEquals("folders/inbox is still needed by users/alice", refusal(two, delete("folders", "inbox")).detail());
    assertEquals("storages/nas is still needed by folders/inbox", refusal(two, delete("storages", "nas")).detail());
    ClusterConfig three = commit(two, List.of(delete("users", "alice"), delete("folders", "inbox"), delete("storages", "nas")));
    assertTrue(three.stored(EntityKey.of(Kind.FOLDERS, "inbox")).isEmpty());
  }

  @Test
  void edit_groupWithMembers_andWhatItNames_cannotBeDeleted() {
    ClusterConfig two = commit(config, List.of(
        put("storages", "nas", "{\"path\":\"/mnt/nas\"}"),
        put("folders", "inbox", "{\"storage\":\"main\",\"path\":\"/in\"}"),
        put("groups", "partners", "{\"home\":{\"storage\":\"nas\"},\"folders\":[{\"at\":\"/in\",\"folder\":\"inbox\"}]}"),
        put("users", "alice", "{\"groups\":[\"partners\"]}")));

    assertEquals("groups/partners is still needed by users/alice", refusal(two, delete("groups", "partners")).detail());
    assertEquals("folders/inbox is still needed by groups/partners", refusal(two, delete("folders", "inbox")).detail());
    assertEquals("storages/nas is still needed by users/alice", refusal(two, delete("storages", "nas")).detail());
    ClusterConfig three = commit(two, List.of(put("users", "alice", "{}")));
    assertEquals("storages/nas is still needed by groups/partners", refusal(three, delete("storages", "nas")).detail());
    commit(three, List.of(delete("groups", "partners"), delete("folders", "inbox"), delete("storages", "nas")));
  }

  @Test
  void edit_storageAndItsLastUserTogether_canBeDeleted() {
    ClusterConfig two = commit(config, List.of(put("users", "alice", "{}")));

    ClusterConfig three = commit(two, List.of(delete("storages", "main"), delete("users", "alice")));

    assertTrue(three.stored(EntityKey.of(Kind.STORAGES, "main")).isEmpty());
  }

  @Test
  void edit_ofMoreThanAChangeMayHave_isRefused_inNumberAndInBytes() {
    List<Operation> many = Collections.nCopies(ConfigEditor.MAX_OPERATIONS + 1, put("users", "x", "{}"));
    assertTrue(refusal(config, many.toArray(Operation[]::new)).detail().contains("250000"));
    String key = "ssh-rsa " + Base64.getEncoder().encodeToString(
        ByteBuffer.allocate(6_011).putInt(7).put("ssh-rsa".getBytes(StandardCharsets.US_ASCII)).array());
    String user = "{\"publicKeys\":[\"" + String.join("\",\"", Collections.nCopies(8, key)) + "\"]}";
    int most = (int) (ConfigEditor.MAX_CHANGE_BYTES / user.length());
    Operation[] large = IntStream.rangeClosed(0, most).mapToObj(i -> put("users", "u" + i, user)).toArray(Operation[]::new);

    Refusal refusal = refusal(config, large);

    assertEquals(Refusal.Reason.INVALID, refusal.reason());
    assertTrue(refusal.detail().contains("in several steps"), refusal.detail());
  }

  @Test
  void edit_atAnotherHead_isRefused() {
    ConfigEditor editor = new ConfigEditor(CODEC);
    List<Operation> one = List.of(put("users", "a", "{}"));

    assertTrue(editor.edit(config, one, 2) instanceof ConfigEditor.Refused(Refusal stale)
        && stale.reason() == Refusal.Reason.STALE);
    for (long head : new long[] {1, 0, Operation.ANY}) {
      assertTrue(editor.edit(config, one, head) instanceof ConfigEditor.Edited);
    }
  }

  @Test
  void edit_sameEntityTwice_isRefused() {
    assertEquals(Refusal.Reason.INVALID,
        refusal(config, put("users", "a", "{}"), put("users", "a", "{}")).reason());
  }

  @Test
  void put_withoutTheSecret_keepsIt_andNullTakesItAway() {
    EntityKey alice = EntityKey.of(Kind.USERS, "alice");
    String sealed = "{\"$sealed\":\"" + SEALER.seal(alice, "passwordHash", "$argon2id$x") + "\"}";
    ClusterConfig two = commit(config, List.of(put("users", "alice", "{\"passwordHash\":" + sealed + "}")));

    ClusterConfig kept = commit(two, List.of(put("users", "alice", "{\"enabled\":false}")));
    ClusterConfig gone = commit(two, List.of(put("users", "alice", "{\"passwordHash\":null}")));

    User user = kept.find(Kind.USERS, "alice", User.class).orElseThrow();
    assertFalse(user.enabled());
    assertEquals("$argon2id$x", user.passwordHash().orElseThrow().reveal());
    assertTrue(gone.find(Kind.USERS, "alice", User.class).orElseThrow().passwordHash().isEmpty());
  }

  @Test
  void patch_mergesObjects_andNullRemoves() {
    ClusterConfig two = commit(config, List.of(
        put("users", "alice", "{\"enabled\":false,\"home\":{\"storage\":\"main\",\"path\":\"/a\"}}")));

    ClusterConfig three = commit(two, List.of(
        patch("users", "alice", "{\"enabled\":null,\"home\":{\"path\":\"/b\"}}")));

    User user = three.find(Kind.USERS, "alice", User.class).orElseThrow();
    assertTrue(user.enabled());
    assertEquals(new UserSettings.Home("main", "/b"), user.home());
  }

  @Test
  void read_fieldAndKindOfANewerRelease_areKept() {
    StoredEntity user = CODEC.read(new io.flotilla.config.event.StoredDocument(
        "users", "alice", 7, "{\"colour\":\"blue\"}".getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    StoredEntity planet = CODEC.read(new io.flotilla.config.event.StoredDocument(
        "planets", "mars", 7, "{\"moons\":2}".getBytes(java.nio.charset.StandardCharsets.UTF_8)));

    assertTrue(((User) user.entity()).enabled());
    assertEquals("{\"colour\":\"blue\"}", new String(user.document(), java.nio.charset.StandardCharsets.UTF_8));
    assertEquals(new Entity.Unknown("planets", "mars"), planet.entity());
  }

  @Test
  void describe_neverShowsASecret() {
    EntityKey alice = EntityKey.of(Kind.USERS, "alice");
    String sealed = SEALER.seal(alice, "passwordHash", "$argon2id$hidden");
    ClusterConfig two = commit(config, List.of(
        put("users", "alice", "{\"passwordHash\":{\"$sealed\":\"" + sealed + "\"}}")));
    StoredEntity stored = two.stored(alice).orElseThrow();

    assertFalse(EntityCodec.describe(stored.entity()).toString().contains("hidden"));
    assertFalse(stored.entity().toString().contains("hidden"));
    assertFalse(EntityCodec.withoutSecrets("users", stored.document()).orElseThrow().toString().contains("sealed"));
  }

  @Test
  void listeners_ofDifferentNodes_mayShareAPort() {
    ClusterConfig two = commit(config, List.of(
        patch("listeners", "sftp", "{\"nodes\":[\"node-1\"]}"),
        put("listeners", "other", "{\"protocol\":\"sftp\",\"port\":2022,\"nodes\":[\"node-2\"]}")));

    assertEquals(2, two.ofKind(Kind.LISTENERS).size());
  }

  @Test
  void passivePorts_areKeptApartFromOtherListenersOfTheSameAddress() {
    ClusterConfig two = commit(config, List.of(put("listeners", "ftp",
        "{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passivePorts\":\"20050-20079\"}}")));
    String other = "{\"protocol\":\"ftp\",\"port\":2121,\"ftp\":{\"passivePorts\":\"20079-20100\"}";

    assertEquals(List.of(new FieldError("/operations/0/value/ftp/passivePorts",
            "the passive ports 20079-20100 overlap with those of listener 'ftp', 20050-20079, on the same address")),
        refusal(two, put("listeners", "other", other + "}")).errors());
    assertEquals(List.of(new FieldError("/operations/0/value/port",
            "port 20060 is one of the passive ports 20050-20079 of listener 'ftp' on the same address")),
        refusal(two, patch("listeners", "sftp", "{\"port\":20060}")).errors());
    commit(two, List.of(put("listeners", "other", other.replace("20079-", "20080-") + "}")));
    commit(two, List.of(put("listeners", "other", other + ",\"address\":\"192.0.2.1\"}")));
    commit(two, List.of(put("listeners", "other", other + ",\"enabled\":false}")));
    commit(two, List.of(patch("listeners", "ftp", "{\"nodes\":[\"node-1\"]}"),
        put("listeners", "other", other + ",\"nodes\":[\"node-2\"]}")));
  }

  @Test
  void listenerWithAPassiveAddressOfANode_staysAnFtpListener() {
    ClusterConfig two = commit(config, List.of(
        put("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":21}"),
        put("nodes", "node-1", "{\"listeners\":{\"ftp\":{\"passiveAddress\":\"192.0.2.1\"}}}")));

    assertEquals(List.of(new FieldError("/operations/0/value/protocol",
            "nodes/node-1 has a passive mode for this listener, which only an ftp listener has")),
        refusal(two, put("listeners", "ftp", "{\"protocol\":\"sftp\",\"port\":21}")).errors());
    commit(two, List.of(put("listeners", "ftp", "{\"protocol\":\"sftp\",\"port\":21}"), delete("nodes", "node-1")));
  }

  @Test
  void ftpListener_needsNoHostKey() {
    ClusterConfig two = commit(config, List.of(
        delete("listeners", "sftp"), put("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":21}")));

    assertEquals(3, commit(two, List.of(delete("host-keys", "ed25519"))).version());
  }

  /** A configuration with a user as a newer release has committed it. */
  private ClusterConfig withNewerUser(String json) {
    EntityChange change = new EntityChange("users", "nova", 0, null, json.getBytes(StandardCharsets.UTF_8));
    return config.with(config.version() + 1, List.of(change), CODEC);
  }

  private static String document(ClusterConfig config, String user) {
    return new String(config.stored(EntityKey.of(Kind.USERS, user)).orElseThrow().document(), StandardCharsets.UTF_8);
  }

  @Test
  void fieldsOfANewerRelease_surviveAPatchAndAPut() {
    ClusterConfig newer = withNewerUser(
        "{\"home\":{\"path\":\"/a\",\"quota\":5},\"nickname\":\"Nova\",\"pin\":{\"$sealed\":\"1.x.y\"}}");

    ClusterConfig patched = commit(newer, List.of(patch("users", "nova", "{\"enabled\":false}")));
    ClusterConfig put = commit(patched, List.of(put("users", "nova", "{\"home\":{\"path\":\"/b\"}}")));

    assertEquals("{\"enabled\":false,\"home\":{\"path\":\"/a\",\"quota\":5},\"nickname\":\"Nova\",\"pin\":{\"$sealed\":\"1.x.y\"}}",
        document(patched, "nova"));
    assertEquals("{\"home\":{\"path\":\"/b\",\"quota\":5},\"nickname\":\"Nova\",\"pin\":{\"$sealed\":\"1.x.y\"}}",
        document(put, "nova"));
    assertFalse(EntityCodec.withoutSecrets("users", put.stored(EntityKey.of(Kind.USERS, "nova")).orElseThrow().document())
        .orElseThrow().toString().contains("sealed"));
  }

  @Test
  void secretsWithinFieldsOfANewerRelease_areNotShown_andSurviveAPutOfWhatIsShown() {
    String sealed = "{\"$sealed\":\"1.x.y\"}";
    ClusterConfig newer = withNewerUser("{\"home\":{\"key\":%1$s,\"path\":\"/a\"},\"otp\":{\"keys\":[{\"id\":1,\"key\":%1$s},%1$s],"
        .formatted(sealed) + "\"type\":\"totp\"}}");
    String shown = EntityCodec.withoutSecrets("users", document(newer, "nova").getBytes(StandardCharsets.UTF_8))
        .orElseThrow().toString();

    assertEquals("{\"home\":{\"path\":\"/a\"},\"otp\":{\"keys\":[{\"id\":1}],\"type\":\"totp\"}}", shown);
    ClusterConfig put = commit(newer, List.of(put("users", "nova", shown.replace("{\"home\"", "{\"enabled\":false,\"home\""))));
    assertEquals(document(newer, "nova").replace("{\"home\"", "{\"enabled\":false,\"home\""), document(put, "nova"));
    assertEquals("/operations/0/value/otp", refusal(newer, put("users", "nova", shown.replace("totp", "hotp")))
        .errors().getFirst().pointer());
  }

  @Test
  void fieldsOfANewerRelease_canBeTakenAway_butNotBeGivenOrChanged() {
    ClusterConfig newer = withNewerUser("{\"nickname\":\"Nova\"}");

    assertEquals("{}", document(commit(newer, List.of(patch("users", "nova", "{\"nickname\":null}"))), "nova"));
    assertEquals("{}", document(commit(newer, List.of(put("users", "nova", "{\"nickname\":null}"))), "nova"));
    for (Operation wish : List.of(patch("users", "nova", "{\"nickname\":\"Other\"}"),
        put("users", "nova", "{\"nickname\":\"Other\"}"), put("users", "zoe", "{\"nickname\":\"Nova\"}"))) {
      assertEquals("/operations/0/value/nickname", refusal(newer, wish).errors().getFirst().pointer());
    }
  }

  @Test
  void protocolAndTypeOfANewerRelease_areKeptAndShown_andCanNotBeGiven() {
    ClusterConfig newer = config.with(config.version() + 1, List.of(
        new EntityChange("listeners", "quick", 0, null,
            "{\"port\":2022,\"protocol\":\"quic\",\"streams\":3}".getBytes(StandardCharsets.UTF_8)),
        new EntityChange("storages", "cloud", 0, null, "{\"bucket\":\"b\",\"type\":\"s3\"}".getBytes(StandardCharsets.UTF_8))),
        CODEC);

    ClusterConfig patched = commit(newer, List.of(
        patch("listeners", "quick", "{\"port\":2023}"), patch("storages", "cloud", "{\"shared\":true}")));

    StoredEntity listener = patched.stored(EntityKey.of(Kind.LISTENERS, "quick")).orElseThrow();
    StoredEntity storage = patched.stored(EntityKey.of(Kind.STORAGES, "cloud")).orElseThrow();
    assertEquals("{\"port\":2023,\"protocol\":\"quic\",\"streams\":3}", new String(listener.document(), StandardCharsets.UTF_8));
    assertEquals("{\"bucket\":\"b\",\"shared\":true,\"type\":\"s3\"}", new String(storage.document(), StandardCharsets.UTF_8));
    assertEquals("quic", EntityCodec.describe(listener.entity()).path("protocol").textValue());
    assertEquals("s3", EntityCodec.describe(storage.entity()).path("type").textValue());
    assertEquals("/operations/0/value/protocol", refusal(newer,
        put("listeners", "sftp", "{\"protocol\":\"quic\",\"port\":2022}")).errors().getFirst().pointer());
    assertEquals("/operations/0/value/type", refusal(newer,
        put("storages", "main", "{\"type\":\"s3\",\"path\":\"/srv\"}")).errors().getFirst().pointer());
  }
}
