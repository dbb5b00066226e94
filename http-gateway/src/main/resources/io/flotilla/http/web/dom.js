/**
 * Builds an element. Children that are text become text nodes, so nothing that somebody named is ever read as HTML. Functions are
 * listeners (onclick), booleans switch attributes, undefined leaves them out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(name.slice(2), value);
    } else if (typeof value === 'boolean') {
      element.toggleAttribute(name, value);
    } else if (value !== undefined && value !== null) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts other children in the place of those that an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
}

/** The same; the focus goes from a child that had it to the one that says the same in its place. */
export function refill(element, ...children) {
  const words = child => child.getAttribute('aria-label') ?? child.textContent;
  const focused = element.contains(document.activeElement) && document.activeElement !== element ? words(document.activeElement) : null;
  fill(element, ...children);
  if (focused !== null) {
    [...element.querySelectorAll('button')].find(child => words(child) === focused)?.focus();
  }
}

let lastId = 0;

/** An id that no other element has. */
export function newId(prefix) {
  lastId++;
  return `${prefix}-${lastId}`;
}

/** Waits, or stops waiting when a signal says so or the network is back. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener('online', end);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) {
        reject(signal.reason);
      } else {
        resolve();
      }
    };
    const timer = setTimeout(end, milliseconds);
    window.addEventListener('online', end);
    signal?.addEventListener('abort', end);
    if (signal?.aborted) {
      end();
    }
  });
}
