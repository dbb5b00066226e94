package io.flotilla.vfs;

import io.flotilla.config.model.Policy;
import io.flotilla.config.model.Storage;
import io.flotilla.config.model.User;
import io.flotilla.config.model.UserSettings;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.UserAccess;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens what a user has as one file system. The home is made if it is missing, but never the storage itself: an empty mount
 * point must not be mistaken for a storage (guarantee 8). A guarded storage is opened only with its marker file in it. One per
 * process, safe for all threads.
 */
public final class UserHomes {
  private static final Logger log = LoggerFactory.getLogger(UserHomes.class);
  private static final int PERMISSIONS = 0755;
  /** Of what has not arrived, each time. */
  private static final int MAX_LOOKED = 10_000;
  private static final Duration FIRST_SCAN = Duration.ofSeconds(2);

  private final ActiveUploads uploads = new ActiveUploads();
  private final StorageBulkheads bulkheads = new StorageBulkheads();
  private final Usages usages = new Usages();
  private final TreeScans scans = new TreeScans();
  private final PartialSweeper sweeper;
  private final Optional<Copies> copies;

  /** What is told to, and known of, the other nodes' copies of storages. */
  private record Copies(RecentChanges changes, OtherNodes others) {
    VirtualFileSystem above(VirtualFileSystem tree, String storage, VirtualPath base) {
      return changes.isOn(storage)
          ? new ArrivingFileSystem(new RecordingFileSystem(tree, changes, storage, base), changes, others, storage) : tree;
    }
  }

  /** Of a node that tells others nothing, and asks them nothing. */
  public UserHomes() {
    this(Clock.systemUTC());
  }

  UserHomes(Clock clock) {
    this(clock, Optional.empty());
  }

  /** Of a node in whose storages clients see what other nodes have changed in theirs. */
  public UserHomes(RecentChanges changes, OtherNodes others) {
    this(Clock.systemUTC(), Optional.of(new Copies(changes, new OutsideNodes(others))));
  }

  private UserHomes(Clock clock, Optional<Copies> copies) {
    this.sweeper = new PartialSweeper(uploads, clock);
    this.copies = copies;
  }

  /**
   * A whole storage as it is on this node, for other nodes: what is changed in it is told like any other change. No link is followed.
   *
   * @throws VfsException also if the storage's changes aren't told
   */
  public VirtualFileSystem own(ConfigView view, String storage) throws VfsException {
    if (copies.filter(on -> on.changes().isOn(storage)).isEmpty()) {
      throw new VfsException(VfsError.UNSUPPORTED, "changes in storage '" + storage + "' are not told between nodes");
    }
    Optional<Path> directory = view.storagePath(storage);
    DetachedFileSystem files = new DetachedFileSystem(bulkheads.of(storage, directory),
        () -> new OwnCopy(new RecordingFileSystem(openStorage(view, storage, "the storage", Links.ONLY_CANONICAL), copies.get().changes(),
            storage, VirtualPath.ROOT), copies.get().changes(), copies.get().others(), storage),
        () -> directory.filter(path -> LocalDisk.holds(path, "/")).isPresent());
    try {
      files.open();
      return files;
    } catch (VfsException | RuntimeException e) {
      files.close();
      throw e;
    }
  }

  /**
   * Looks which of the files that other nodes wrote have arrived here, so that a program that takes one away is not taken for the
   * synchroniser that has not brought it yet. Blocks; to be called every few seconds, by one thread.
   */
  public void lookForArrivals(ConfigView view) {
    copies.ifPresent(on -> on.changes().storages().stream().filter(on.changes()::hasForeign).forEach(storage -> {
      try (VirtualFileSystem files = own(view, storage)) {
        for (RecentChanges.Known known : on.changes().writtenBeneath(storage, VirtualPath.ROOT, MAX_LOOKED)) {
          if (isHere(files, known)) {
            on.changes().settle(known);
          }
        }
      } catch (VfsException | RuntimeException e) {
        log.debug("What has arrived in storage {} could not be looked at: {}", storage, e.toString());
      }
    }));
  }

  /** What can't be looked at is not here; a storage that fails is not looked at any further. */
  private static boolean isHere(VirtualFileSystem files, RecentChanges.Known known) throws VfsException {
    try {
      return known.change().hasArrivedAs(files.lstat(known.path()));
    } catch (VfsException e) {
      if (e.error() == VfsError.IO) {
        throw e;
      }
      return false;
    }
  }

  /** What is to be told to the other nodes; to be asked for about once a second, by one thread. Never blocks. */
  public UsageNews usageNews() {
    return usages.news();
  }

  /** Counts what another node's sessions have changed. Never blocks. */
  public void heard(String node, UsageNews news) {
    usages.heard(node, news);
  }

  /** What to tell the operator about storages that don't answer their users. */
  public List<String> problems() {
    return bulkheads.problems();
  }

  /**
   * All that a user has under a configuration: the home, the folders mounted in it, and their permissions. Opens the home, for
   * which it waits ten seconds at most; a folder is opened by its first use, and one whose storage is not available or doesn't
   * answer is shown and fails when it is used. The message of a failure is for the operator's log, not for the client.
   */
  public VirtualFileSystem open(ConfigView view, User user) throws VfsException {
    UserAccess access = view.access(user);
    PathRules rules = PathRules.of(access.permissions());
    Links links = rules.areUniform() || rules.permitEverything() ? Links.FOLLOW : Links.ONLY_CANONICAL;
    Map<VirtualPath, VirtualFileSystem> mounts = new HashMap<>();
    for (UserAccess.Mount mount : access.mounts()) {
      mounts.put(VirtualPath.parse(mount.at()), folder(view, user, mount, links));
    }
    DetachedFileSystem home = detached(user, access.home(), () -> openHome(view, user, access.home(), links));
    try {
      home.open();
    } catch (VfsException | RuntimeException e) {
      home.close();
      throw e;
    }
    VirtualFileSystem files = mounts.isEmpty() ? home : new MountedFileSystem(home, mounts);
    return rules.permitEverything() ? files : new PermittedFileSystem(files, rules, links);
  }

  /** Whether it is on a local disk is asked of the very directory, since storages may have mounts in them. */
  private DetachedFileSystem detached(User user, UserAccess.Place place, DetachedFileSystem.Source source) {
    String path = place.path().replace("${user}", user.name());
    return new DetachedFileSystem(bulkheads.of(place.storage(), place.directory()), source,
        () -> place.directory().filter(directory -> LocalDisk.holds(directory, path)).isPresent());
  }

  private VirtualFileSystem openHome(ConfigView view, User user, UserAccess.Place home, Links links) throws VfsException {
    VirtualFileSystem files = openPlace(view, user, home, "the home", links);
    UserSettings.Quota quota = user.settings().limits().quota();
    Object tree = tree(user, home);
    TreeScans.OfStorage scanning = scans.of(home.storage());
    Usage.Source source = () -> openTree(view, user, home, "the home", Links.FOLLOW);
    Duration keep = Policy.Uploads.of(view.config()).keepPartials();
    if (!quota.isSet()) {
      sweeper.sweepIfDue(tree, source, keep, scanning, _ -> { });
      return files;
    }
    Usage usage = usages.take(tree, () -> new Usage(scanning));
    VirtualFileSystem counted = new QuotaFileSystem(files, usage, quota, source, () -> usages.giveBack(tree));
    try {
      if (view.storage(home.storage()).map(Storage::shared).orElse(false)) {
        usages.share(new UsageNews.Home(home.storage(), home.path().replace("${user}", user.name())), tree, usage);
      }
      usage.refresh(source);
      usage.awaitFirst(FIRST_SCAN); // what is not counted by then does not hold the login up
      sweeper.sweepIfDue(tree, source, keep, scanning, bytes -> usage.change(-bytes, -1));
      return counted;
    } catch (RuntimeException | Error e) {
      counted.close(); // without threads nothing can be scanned
      throw e;
    }
  }

  /** What tells a tree from others, whoever uses it. */
  private static Object tree(User user, UserAccess.Place place) {
    return List.of(place.storage(), place.directory(), place.path().replace("${user}", user.name()));
  }

  /** A folder that can't be opened is tried again by the next use, and told of once in a session. */
  private VirtualFileSystem folder(ConfigView view, User user, UserAccess.Mount mount, Links links) {
    AtomicBoolean isTold = new AtomicBoolean();
    return detached(user, mount.place(), () -> {
      try {
        VirtualFileSystem files = openPlace(view, user, mount.place(), "the folder", links);
        sweeper.sweepIfDue(tree(user, mount.place()), () -> openTree(view, user, mount.place(), "the folder", Links.FOLLOW),
            Policy.Uploads.of(view.config()).keepPartials(), scans.of(mount.place().storage()), _ -> { });
        return files;
      } catch (VfsException e) {
        if (!isTold.getAndSet(true)) {
          log.error("User {} has to do without the folder at {}: {}", user.name(), mount.at(), e.getMessage());
        }
        throw new VfsException(VfsError.IO, VirtualPath.ROOT, "the storage is not available");
      }
    });
  }

  private VirtualFileSystem openPlace(ConfigView view, User user, UserAccess.Place place, String what, Links links)
      throws VfsException {
    // Another node must not write to the same partial, so the owner is the user on this node.
    return new PublishingFileSystem(openTree(view, user, place, what, links, (tree, base) -> copies
        .map(on -> on.above(tree, place.storage(), base)).orElse(tree)), links, user.name() + "\n" + view.node().id(), uploads);
  }

  private interface Above {
    /** @param base where the tree is in its storage, links resolved */
    VirtualFileSystem put(VirtualFileSystem tree, VirtualPath base);
  }

  /** What is there, and nothing of other nodes. */
  private static VirtualFileSystem openTree(ConfigView view, User user, UserAccess.Place place, String what, Links links)
      throws VfsException {
    return openTree(view, user, place, what, links, (tree, _) -> tree);
  }

  /** @param what the place is, for messages */
  private static VirtualFileSystem openTree(ConfigView view, User user, UserAccess.Place place, String what, Links links, Above above)
      throws VfsException {
    String storage = place.storage();
    try (VirtualFileSystem files = openStorage(view, storage, what, links)) {
      VirtualPath made = VirtualPath.ROOT;
      for (String name : VirtualPath.parse(place.path()).names()) {
        // The user's name is one name in the path, whatever it holds.
        made = make(files, made.child(name.replace("${user}", user.name())), what,
            "storage '" + storage + "' (" + view.storagePath(storage).orElseThrow() + ")");
      }
      return above.put(files.subtree(made), made);
    }
  }

  private static VirtualFileSystem openStorage(ConfigView view, String storage, String what, Links links) throws VfsException {
    Path directory = view.storagePath(storage).orElseThrow(() -> new VfsException(VfsError.NOT_FOUND,
        view.storage(storage).map(unknown -> "this release does not know the type " + unknown.type() + " of storage '" + storage
                + "'; upgrade this node")
            .orElse("there is no storage '" + storage + "' in the configuration; create it or change " + what)));
    return openStorage(storage, directory, view.storage(storage).flatMap(Storage::guard), links);
  }

  private static VirtualPath make(VirtualFileSystem files, VirtualPath path, String what, String where) throws VfsException {
    try {
      files.makeDirectory(path, PERMISSIONS);
    } catch (VfsException e) {
      if (e.error() != VfsError.EXISTS) {
        throw new VfsException(e.error(), what + " can't be made in " + where + ": " + e.getMessage());
      }
    }
    return files.canonical(path); // an operator may have put a link there
  }

  private static VirtualFileSystem openStorage(String storage, Path directory, Optional<String> guard, Links links)
      throws VfsException {
    VirtualFileSystem files;
    try {
      files = VirtualFileSystem.open(directory, links);
    } catch (VfsException e) {
      throw new VfsException(e.error(), "the directory " + directory + " of storage '" + storage
          + "' can't be opened on this node (" + e.error().words() + "); create or mount it, or correct its path");
    }
    if (guard.isEmpty()) {
      return files;
    }
    try {
      return GuardedFileSystem.atRoot(files, StorageGuard.of(storage, directory, guard.get(), files));
    } catch (VfsException e) {
      files.close();
      throw e;
    }
  }
}
