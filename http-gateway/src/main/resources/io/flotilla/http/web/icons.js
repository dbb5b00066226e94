/** Drawn for this page, on a grid of 20 by 20; lines of 1.5. */
const PATHS = {
  archive: ['M5 2.75h7l3.25 3.25v11.25H5z', 'M9 3v2m1.5 0v2M9 7v2m1.5 0v2', 'M8.75 12.5h2v2.25h-2z'],
  arrowLeft: ['M16 10H4.5', 'M9.5 5l-5 5 5 5'],
  arrowRight: ['M4 10h11.5', 'M10.5 5l5 5-5 5'],
  audio: ['M7.5 15V5l8-1.75v10', 'M7.5 15a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM15.5 13.25a2 2 0 1 1-4 0 2 2 0 0 1 4 0z'],
  check: ['M4 10.5l4 4 8-9'],
  chevronDown: ['M5.5 8l4.5 4.5L14.5 8'],
  chevronRight: ['M8 5.5l4.5 4.5L8 14.5'],
  close: ['M5 5l10 10M15 5L5 15'],
  cloudUpload: ['M6 15.5a3.75 3.75 0 0 1-.4-7.48 4.75 4.75 0 0 1 9.1 1A3.25 3.25 0 0 1 14.5 15.5', 'M10 17.5V10.5m-2.75 2.5L10 10.25 12.75 13'],
  contrast: ['M10 2.75a7.25 7.25 0 1 0 0 14.5 7.25 7.25 0 0 0 0-14.5z', 'M10 3v14a7 7 0 0 0 0-14z'],
  download: ['M10 3v9.5m-4-3.75l4 4 4-4', 'M3.5 16.5h13'],
  eye: ['M2 10c2-3.5 4.8-5.25 8-5.25S16 6.5 18 10c-2 3.5-4.8 5.25-8 5.25S4 13.5 2 10z', 'M12.25 10a2.25 2.25 0 1 1-4.5 0 2.25 2.25 0 0 1 4.5 0z'],
  eyeOff: ['M7.5 5.1A9 9 0 0 1 10 4.75c3.2 0 6 1.75 8 5.25a13 13 0 0 1-2.3 3', 'M12.5 14.8a9 9 0 0 1-2.5.45C6.8 15.25 4 13.5 2 10a13 13 0 0 1 2.7-3.3', 'M3.5 3.5l13 13'],
  file: ['M5 2.75h7l3.25 3.25v11.25H5z', 'M11.75 3v3.25H15'],
  folder: ['M2.75 15.75V4.75h5l1.75 2h7.75v9z'],
  folderPlus: ['M2.75 15.75V4.75h5l1.75 2h7.75v9z', 'M10 9v4.5M7.75 11.25h4.5'],
  home: ['M3.5 9L10 3.25 16.5 9', 'M5 8v8.5h10V8'],
  image: ['M3 4h14v12H3z', 'M3.25 14l4-4.5 3.25 3.5 2-2 4.25 4', 'M13.25 8a1 1 0 1 1-2 0 1 1 0 0 1 2 0z'],
  key: ['M11.5 8.5l5.25-5.25m-2.5 2.5l2 2m-4.25.25l1.5 1.5', 'M12 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0z'],
  link: ['M8.5 11.5a3 3 0 0 0 4.25 0l2.75-2.75a3 3 0 0 0-4.25-4.25l-1 1', 'M11.5 8.5a3 3 0 0 0-4.25 0L4.5 11.25a3 3 0 0 0 4.25 4.25l1-1'],
  moon: ['M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z'],
  move: ['M2.75 9V4.75h5l1.75 2h7.75v9h-9', 'M2.5 12.75h6m-2.25-2.5l2.5 2.5-2.5 2.5'],
  pause: ['M7 4.5v11M13 4.5v11'],
  pdf: ['M5 2.75h7l3.25 3.25v11.25H5z', 'M11.75 3v3.25H15', 'M7.5 14.5c2.5-1 3.5-4 2.5-6 0 2.5 1.5 4 3 4.25-2 0-4 .75-5.5 1.75z'],
  pencil: ['M4 16l.75-3.25L13.25 4.25l2.5 2.5L7.25 15.25z', 'M11.5 6l2.5 2.5'],
  play: ['M6.5 4.5l8.5 5.5-8.5 5.5z'],
  refresh: ['M15.75 8A6.25 6.25 0 1 0 16.25 11', 'M16.25 4v4.25H12'],
  search: ['M13.5 8.75a4.75 4.75 0 1 1-9.5 0 4.75 4.75 0 0 1 9.5 0z', 'M12.25 12.25L16.5 16.5'],
  signOut: ['M11.5 3.5h-7v13h7', 'M8 10h9m-3-3.25L17.25 10 14 13.25'],
  sun: ['M13.5 10a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0z', 'M10 2v1.75M10 16.25V18M2 10h1.75M16.25 10H18M4.35 4.35l1.2 1.2M14.45 14.45l1.2 1.2M4.35 15.65l1.2-1.2M14.45 5.55l1.2-1.2'],
  text: ['M5 2.75h7l3.25 3.25v11.25H5z', 'M7.5 8h5M7.5 11h5M7.5 14h3'],
  trash: ['M3.5 5.5h13', 'M8 5.25V3.25h4v2', 'M5 5.75l.75 11h8.5l.75-11', 'M8.5 8.5v5.5M11.5 8.5v5.5'],
  upload: ['M10 13V3.5m-4 4l4-4 4 4', 'M3.5 16.5h13'],
  uploadFolder: ['M2.75 15.75V4.75h5l1.75 2h7.75v9z', 'M10 13.75V9.25m-2 2l2-2 2 2'],
  user: ['M13 7a3 3 0 1 1-6 0 3 3 0 0 1 6 0z', 'M3.75 16.5c.5-3 3-4.75 6.25-4.75s5.75 1.75 6.25 4.75'],
  video: ['M3 5h10v10H3z', 'M13 9l4-2.5v7L13 11z'],
  warning: ['M10 3l7.5 13.25h-15z', 'M10 8.25v3.5M10 13.9v.1'],
};

const SVG = 'http://www.w3.org/2000/svg';

/** A picture that says nothing by itself: what it stands for has a name of its own. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/** The mark of the product: two sails over a hull. */
export function mark() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 32 32');
  svg.setAttribute('class', 'mark');
  svg.setAttribute('aria-hidden', 'true');
  for (const [d, part] of [['M16 4v15H6.5z', 'sail'], ['M18 9v10h7.5z', 'sail'], ['M5 22h22l-3.5 6h-15z', 'hull']]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    path.setAttribute('class', part);
    svg.append(path);
  }
  return svg;
}

const KINDS = [
  ['image', /\.(avif|bmp|gif|ico|jpe?g|png|svg|tiff?|webp)$/i],
  ['text', /\.(c|conf|cpp|css|csv|go|h|html?|ini|java|js|json|log|md|mjs|py|rs|sh|sql|text|toml|ts|txt|xml|ya?ml)$/i],
  ['pdf', /\.pdf$/i],
  ['archive', /\.(7z|bz2|gz|rar|tar|tgz|xz|zip|zst)$/i],
  ['audio', /\.(aac|flac|m4a|mp3|oga|ogg|opus|wav)$/i],
  ['video', /\.(avi|m4v|mkv|mov|mp4|mpe?g|webm)$/i],
];

/** The picture for an entry of a directory. */
export function entryIcon(entry) {
  if (entry.type === 'directory') {
    return icon('folder');
  }
  return icon(entry.type === 'link' ? 'link' : KINDS.find(([, pattern]) => pattern.test(entry.name))?.[0] ?? 'file');
}
