package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** No operation, also no new one, goes past what protects. */
class FileSystemLayersTest {
  @Test
  void operations_haveNoDefaults_soThatNoLayerForgetsOne() {
    assertEquals(List.of(), operations().filter(Method::isDefault).toList());
  }

  @Test
  void interceptedOperations_cantBeDoneOtherwise() throws NoSuchMethodException {
    for (Method operation : operations().filter(operation -> !operation.getName().equals("close")).toList()) {
      Method intercepted = InterceptedFileSystem.class.getMethod(operation.getName(), operation.getParameterTypes());
      assertTrue(Modifier.isFinal(intercepted.getModifiers()), operation.toString());
    }
  }

  private static java.util.stream.Stream<Method> operations() {
    return Arrays.stream(VirtualFileSystem.class.getDeclaredMethods())
        .filter(method -> !Modifier.isStatic(method.getModifiers()) && !method.isSynthetic());
  }
}
