package io.flotilla.config.view;

import io.flotilla.config.model.Folder;
import io.flotilla.config.model.PathPermissions;
import io.flotilla.config.model.Permission;
import io.flotilla.config.model.User;
import io.flotilla.config.model.UserSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which files a user has under a configuration, and what they may do with them: the user, and the folders they have
 * mounted, brought together in the one place where that is done. Equal if nothing differs for the user. Immutable.
 *
 * @param mounts what is at which virtual path beside the home
 */
public record UserAccess(Place home, List<Mount> mounts, PathPermissions permissions) {
  /** A directory of a storage; {@code ${user}} in the path stands for the user's name. */
  public record Place(String storage, String path) {}

  public record Mount(String at, Place place) {}

  static UserAccess of(User user, ConfigView view) {
    List<Mount> mounts = new ArrayList<>();
    Map<String, Set<Permission>> permissions = new TreeMap<>();
    for (UserSettings.Mount mount : user.folders()) {
      view.folder(mount.folder()).ifPresent(folder -> {
        mounts.add(new Mount(mount.at(), place(folder)));
        mount.permissions().ifPresent(granted -> permissions.put(mount.at(), granted));
      });
    }
    return new UserAccess(new Place(user.home().storage(), user.home().path()), List.copyOf(mounts),
        user.permissions().withDefaults(permissions));
  }

  private static Place place(Folder folder) {
    return new Place(folder.storage(), folder.path());
  }
}
