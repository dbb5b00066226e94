/**
 * Paths are lists of names, each as a URL has it: bytes, percent-encoded. So a name that is no text, or holds a slash that somebody
 * encoded, is never mistaken for another.
 */

/** Encodes what was typed. */
export function encodeName(text) {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The bytes of a name. */
function bytesOf(encoded) {
  const bytes = [];
  for (let i = 0; i < encoded.length; i++) {
    if (encoded[i] === '%') {
      bytes.push(parseInt(encoded.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      bytes.push(encoded.charCodeAt(i));
    }
  }
  return Uint8Array.from(bytes);
}

/** A name as text, with a replacement character for what is no text. */
export function decodeName(encoded) {
  return new TextDecoder().decode(bytesOf(encoded));
}

/** A segment of a hash that somebody may have typed, in the form that this page uses; nothing if it is no name. */
function normalize(segment) {
  const encoded = segment.replace(/%(?![0-9a-f]{2})/gi, '%25').replace(/%[0-9a-f]{2}/gi, escape => escape.toUpperCase())
    .replace(/[^A-Za-z0-9\-._~%]/gu, encodeName);
  return ['', '.', '..'].includes(decodeName(encoded)) ? null : encoded;
}

/** Where the page is: a directory, and perhaps a file in it, which is shown. */
export function routeOf(hash) {
  const segments = hash.replace(/^#?\/?/, '').split('/').map(normalize).filter(segment => segment !== null);
  const file = /[^/]$/.test(hash) && hash !== '#' && segments.length > 0 ? segments.pop() : null;
  return {directory: segments, file};
}

export function hashOf(directory, file = null) {
  return `#/${directory.map(name => `${name}/`).join('')}${file ?? ''}`;
}

export function directoryUrl(directory) {
  return `/files/${directory.map(name => `${name}/`).join('')}`;
}

export function fileUrl(directory, name) {
  return directoryUrl(directory) + name;
}

export function isSamePath(one, other) {
  return one.length === other.length && one.every((name, i) => name === other[i]);
}

/** The path of a file as the metadata of an upload have it. */
export function metadataPath(directory, name) {
  let binary = '';
  for (const byte of bytesOf(`/${[...directory, name].join('/')}`)) {
    binary += String.fromCharCode(byte);
  }
  return btoa(binary);
}
