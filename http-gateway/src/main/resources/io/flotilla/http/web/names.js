/** Characters that can't be seen, or that change how others are shown, so that a name could pass for another one. */
const HIDDEN = new RegExp('[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f'
  + '\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{e0000}-\\u{e0fff}]'
  // Joiners belong into words of some scripts and between pictures, not beside ASCII.
  + '|(?<![^\\u0000-\\u007f])[\\u200c\\u200d]|[\\u200c\\u200d](?![^\\u0000-\\u007f])', 'gu');

function code(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** A name for where only text can stand, such as a label. */
export function plainName(name) {
  return name.replace(HIDDEN, character => `⟨${code(character)}⟩`);
}

/** A name as it is to be seen: text apart from what is around it, with a mark for each character that would not be seen. */
export function nameNode(name) {
  const node = document.createElement('bdi');
  node.className = 'name';
  let end = 0;
  for (const match of name.matchAll(HIDDEN)) {
    node.append(name.slice(end, match.index));
    const hidden = document.createElement('span');
    hidden.className = 'hidden-character';
    hidden.textContent = code(match[0]);
    node.append(hidden);
    end = match.index + match[0].length;
  }
  node.append(name.slice(end));
  return node;
}
