package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.system.clients.Curl;
import io.flotilla.system.clients.FileClient;
import io.flotilla.system.clients.Lftp;
import io.flotilla.system.clients.NcFtp;
import io.flotilla.system.clients.Pscp;
import io.flotilla.system.clients.Psftp;
import io.flotilla.system.clients.Python;
import io.flotilla.system.clients.Rclone;
import io.flotilla.system.clients.Scp;
import io.flotilla.system.clients.Sftp;
import io.flotilla.system.clients.Sshfs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every client of the partners with every operation on three nodes with one storage, as a table. The names of clients after
 * {@code -Dclients=}, separated by commas, restrict it to these.
 */
@Tag("long")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class ClientMatrixTest {
  private static final List<FileClient> CLIENTS = List.of(new Sftp(), new Scp(false), new Scp(true), new Psftp(), new Pscp(false),
      new Pscp(true), new Lftp(Lftp.Protocol.FTP), new Lftp(Lftp.Protocol.FTPS), new Lftp(Lftp.Protocol.SFTP),
      new Curl(Curl.Protocol.FTP), new Curl(Curl.Protocol.FTPS_EXPLICIT), new Curl(Curl.Protocol.FTPS_IMPLICIT),
      new Curl(Curl.Protocol.SFTP), new Curl(Curl.Protocol.SCP), new NcFtp(), new Rclone(Rclone.Protocol.SFTP),
      new Rclone(Rclone.Protocol.FTP), new Sshfs(), new Python(Python.Library.FTPLIB), new Python(Python.Library.FTPLIB_TLS),
      new Python(Python.Library.PARAMIKO));
  /** So many that the nodes always have something to do, on a machine with two cores. */
  private static final int AT_ONCE = 3;

  @TempDir private Path directory;

  @Test
  void everyClient_doesEverythingItCan() throws Exception {
    List<FileClient> clients = chosen();
    MatrixTable table = new MatrixTable(Arrays.stream(ClientTrial.Operation.values()).map(ClientTrial.Operation::title).toList());
    try (TestCluster cluster = TestCluster.start(directory.resolve("cluster"), 3);
        ExecutorService executor = Executors.newFixedThreadPool(AT_ONCE)) {
      ClientSites sites = new ClientSites(cluster, directory);
      List<Future<List<MatrixTable.Cell>>> rows = new ArrayList<>();
      for (int i = 0; i < clients.size(); i++) {
        FileClient client = clients.get(i);
        String user = "client-" + i;
        int reader = 2 + i % 2;
        sites.addUser(user);
        ClientTrial trial = new ClientTrial(cluster, client, sites.byPassword(user), sites.byKey(user), reader, directory.resolve(user));
        rows.add(executor.submit(trial::attemptAll));
      }
      for (int i = 0; i < clients.size(); i++) {
        table.add(clients.get(i).name(), rows.get(i).get());
      }
    }
    System.out.println("\n" + table);
    assertEquals("", table.failures());
  }

  private static List<FileClient> chosen() {
    String names = System.getProperty("clients", "");
    Set<String> chosen = Arrays.stream(names.split(",")).map(String::strip).collect(Collectors.toSet());
    return CLIENTS.stream().filter(client -> names.isEmpty() || chosen.contains(client.name())).toList();
  }
}
