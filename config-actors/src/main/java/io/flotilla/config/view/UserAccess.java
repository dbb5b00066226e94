package io.flotilla.config.view;

import io.flotilla.config.model.PathPermissions;
import io.flotilla.config.model.Permission;
import io.flotilla.config.model.Storage;
import io.flotilla.config.model.User;
import io.flotilla.config.model.UserSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which files a user has under a configuration, and what they may do with them: the user, and the folders they have
 * mounted, brought together in the one place where that is done. Equal if nothing differs for the user, however it was said.
 * Immutable.
 *
 * @param mounts what is at which virtual path beside the home, by the path
 * @param permissions none of whose rules could be left out
 */
public record UserAccess(Place home, List<Mount> mounts, PathPermissions permissions) {
  /**
   * A directory of a storage; {@code ${user}} in the path stands for the user's name.
   *
   * @param directory where the storage is on this node, if it is known here
   * @param guard the storage's marker file
   */
  public record Place(String storage, String path, Optional<Path> directory, Optional<String> guard) {
    static Place of(String storage, String path, ConfigView view) {
      return new Place(storage, path, view.storagePath(storage), view.storage(storage).flatMap(Storage::guard));
    }
  }

  public record Mount(String at, Place place) {}

  static UserAccess of(User user, ConfigView view) {
    SortedMap<String, Mount> mounts = new TreeMap<>();
    Map<String, Set<Permission>> permissions = new TreeMap<>();
    for (UserSettings.Mount mount : user.folders()) {
      view.folder(mount.folder()).ifPresent(folder -> {
        mounts.put(mount.at(), new Mount(mount.at(), Place.of(folder.storage(), folder.path(), view)));
        mount.permissions().ifPresent(granted -> permissions.put(mount.at(), granted));
      });
    }
    return new UserAccess(Place.of(user.home().storage(), user.home().path(), view), List.copyOf(mounts.values()),
        user.permissions().withDefaults(permissions).withoutRedundant());
  }
}
