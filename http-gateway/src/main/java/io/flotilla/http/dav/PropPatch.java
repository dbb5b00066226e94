package io.flotilla.http.dav;

import io.flotilla.http.RefusedException;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.files.HttpDate;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/**
 * Properties are set and removed: PROPPATCH (RFC 4918, 9.2), all of them or none. Of two requests at the same moment to one node neither
 * undoes what the other did; those to two nodes are not kept apart, so clients of one file lock it, or the later one wins.
 */
final class PropPatch {
  private static final int FORBIDDEN = 403;
  private static final int CONFLICT = 409;
  private static final int FAILED_DEPENDENCY = 424;
  private static final int FAILED = 500;
  private static final int INSUFFICIENT_STORAGE = 507;
  private static final XmlName LAST_MODIFIED = XmlName.dav("getlastmodified");
  /** Windows sets it after PUT, and wants it back as it was. */
  private static final XmlName WINDOWS_LAST_MODIFIED = new XmlName("urn:schemas-microsoft-com:", "Win32LastModifiedTime");

  private final Resource resource;
  private final LiveProperties live;
  /** What has been asked for, in the order in which it counts. */
  private final List<Instruction> instructions;
  private final Map<XmlName, Failure> failures = new LinkedHashMap<>();

  /** @param value nothing to remove the property */
  private record Instruction(XmlName name, Optional<XmlElement> value) {}

  /** @param detail as XML */
  private record Failure(int status, String detail) {
    static Failure described(int status, String text) {
      return new Failure(status, "<D:responsedescription>" + XmlText.content(text) + "</D:responsedescription>");
    }
  }

  private PropPatch(Resource resource, LiveProperties live, List<Instruction> instructions) {
    this.resource = resource;
    this.live = live;
    this.instructions = instructions;
  }

  static HttpResponse answer(UserRequest request, FileTarget target, LiveProperties live, UserPlaces places, ExclusiveChanges changes,
      byte[] body) throws VfsException {
    List<Instruction> instructions = instructions(XmlBody.parse(body)
        .filter(root -> root.name().isDav("propertyupdate"))
        .orElseThrow(() -> RefusedException.malformed("the body of PROPPATCH has to be a DAV:propertyupdate")));
    if (instructions.isEmpty()) {
      throw RefusedException.malformed("the body names no property");
    }
    Resource resource = PropFind.resource(request.files(), target);
    PropPatch patch = new PropPatch(resource, live, instructions);
    Optional<Instant> modified = patch.judge();
    if (patch.failures.isEmpty()) {
      changes.make(places.place(resource.files().canonical(resource.path())), resource.path(), () -> patch.apply(modified));
    }
    return patch.told().toResponse();
  }

  private static List<Instruction> instructions(XmlElement root) {
    List<Instruction> instructions = new ArrayList<>();
    root.children().forEach(step -> {
      boolean isSet = step.name().isDav("set");
      if (isSet || step.name().isDav("remove")) {
        step.children().filter(child -> child.name().isDav("prop")).flatMap(XmlElement::children).forEach(property ->
            instructions.add(new Instruction(property.name(), isSet ? Optional.of(property) : Optional.empty())));
      }
    });
    return instructions;
  }

  /** Finds what can't be done at all, and the time that the file is to have. */
  private Optional<Instant> judge() {
    Optional<Instant> modified = Optional.empty();
    for (Instruction instruction : instructions) {
      XmlName name = instruction.name();
      boolean isTime = name.equals(LAST_MODIFIED) && instruction.value().isPresent() || name.equals(WINDOWS_LAST_MODIFIED);
      if (isTime) {
        Optional<Instant> time = instruction.value().map(XmlElement::text).flatMap(HttpDate::parse);
        modified = time.isPresent() ? time : modified;
        if (time.isEmpty() && name.equals(LAST_MODIFIED)) {
          failures.put(name, Failure.described(CONFLICT, "it has to be a time as HTTP has it"));
        }
      } else if (live.isLive(name)) {
        failures.put(name, new Failure(FORBIDDEN, "<D:error><D:cannot-modify-protected-property/></D:error>"));
      }
    }
    return modified;
  }

  private void apply(Optional<Instant> modified) throws VfsException {
    DeadProperties before = DeadProperties.of(resource.files(), resource.path());
    Map<XmlName, String> elements = new LinkedHashMap<>(before.elements());
    for (Instruction instruction : instructions) {
      if (instruction.name().equals(LAST_MODIFIED)) {
        continue;
      }
      instruction.value().ifPresentOrElse(
          value -> elements.put(instruction.name(), value.toXml()), () -> elements.remove(instruction.name()));
    }
    DeadProperties after = new DeadProperties(elements);
    if (!after.equals(before) && !isStored(after)) {
      return;
    }
    if (modified.isPresent()) {
      setTime(modified.get(), before);
    }
  }

  private boolean isStored(DeadProperties after) throws VfsException {
    try {
      after.store(resource.files(), resource.path());
      return true;
    } catch (VfsException e) {
      String why = switch (e.error()) {
        case NO_SPACE, QUOTA_EXCEEDED -> "the storage has no room for so many or so long properties of one file";
        case UNSUPPORTED -> "the storage can't keep properties";
        default -> throw e;
      };
      boolean isAnySet = instructions.stream().anyMatch(instruction -> instruction.value().isPresent());
      instructions.stream().filter(instruction -> !isAnySet || instruction.value().isPresent())
          .forEach(instruction -> failures.put(instruction.name(), Failure.described(INSUFFICIENT_STORAGE, why)));
      return false;
    }
  }

  /** Windows is told nothing of a time that can't be set: it has its own property. */
  private void setTime(Instant modified, DeadProperties before) throws VfsException {
    boolean isDemanded = instructions.stream().anyMatch(instruction -> instruction.name().equals(LAST_MODIFIED));
    try {
      resource.files().setAttributes(resource.path(), new AttributeChange(
          OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(modified)), true);
    } catch (VfsException e) {
      if (isDemanded) {
        before.store(resource.files(), resource.path());
        failures.put(LAST_MODIFIED,
            Failure.described(e.error() == VfsError.PERMISSION_DENIED ? FORBIDDEN : FAILED, e.error().words()));
      }
    }
  }

  /** Each property once, with what came of it. */
  private MultiStatus told() {
    Set<XmlName> names = new LinkedHashSet<>();
    instructions.forEach(instruction -> names.add(instruction.name()));
    List<String> others = names.stream().filter(name -> !failures.containsKey(name)).map(XmlName::emptyElement).toList();
    List<MultiStatus.PropStat> told = new ArrayList<>();
    failures.forEach((name, failure) ->
        told.add(new MultiStatus.PropStat(failure.status(), List.of(name.emptyElement()), failure.detail())));
    if (!others.isEmpty()) {
      told.add(new MultiStatus.PropStat(failures.isEmpty() ? 200 : FAILED_DEPENDENCY, others, ""));
    }
    MultiStatus answer = new MultiStatus();
    answer.add(resource.href(), told);
    return answer;
  }
}
