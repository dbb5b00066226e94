package io.flotilla.http.files;

import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * A file system in which some operations always fail.
 *
 * @param faults by the name of the operation, before which stands {@code file.} if it is one of an open file
 */
public record FaultyStorage(Map<String, VfsError> faults) implements UnaryOperator<VirtualFileSystem> {
  @Override
  public VirtualFileSystem apply(VirtualFileSystem files) {
    return proxy(VirtualFileSystem.class, files, "");
  }

  private <T> T proxy(Class<T> type, T real, String prefix) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (_, method, arguments) -> {
      VfsError fault = faults.get(prefix + method.getName());
      if (fault != null) {
        throw new VfsException(fault, VirtualPath.ROOT);
      }
      try {
        Object result = method.invoke(real, arguments);
        return result instanceof OpenFile file ? proxy(OpenFile.class, file, "file.") : result;
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }));
  }
}
