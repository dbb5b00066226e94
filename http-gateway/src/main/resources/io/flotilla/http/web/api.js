import {Problem, problemOf, problemOfResponse, unreachable} from './problem.js';
import {directoryUrl} from './paths.js';
import {session} from './session.js';

const PAGE_SIZE = 1000;

/**
 * Makes a request in the session, as the user who is signed in now and as nobody else. One that finds the session ended waits until that
 * user has signed in again; fails with a Problem, or with what the signal gave as its reason.
 */
export async function request(method, url, {headers = {}, body, signal} = {}) {
  const user = session.user;
  let isTokenFresh = false;
  for (;;) {
    session.need(user);
    const token = session.csrfToken;
    let response;
    try {
      response = await fetch(url, {method, headers: {...headers, 'X-CSRF-Token': token}, body, signal, cache: 'no-store'});
    } catch {
      signal?.throwIfAborted();
      throw unreachable();
    }
    if (response.ok) {
      return response;
    }
    if (response.status === 401) {
      session.ended(token);
      await session.whenIn(signal);
    } else {
      const problem = await problemOfResponse(response);
      // Somebody has signed in anew in another window, or changed the password.
      if (isTokenFresh || !isAboutToken(problem)) {
        throw problem;
      }
      isTokenFresh = true;
      await session.look();
    }
  }
}

function isAboutToken(problem) {
  return problem.status === 403 && problem.message.includes('X-CSRF-Token');
}

/**
 * Sends a part of a file, and tells how much of it has gone. The only request that is not made by fetch, which can't tell that.
 *
 * @returns a function that gives the answer's headers
 */
export function sendPart(url, headers, part, {signal, onSent}) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const user = session.user;
    const token = session.csrfToken;
    const abort = () => xhr.abort();
    xhr.open('PATCH', url);
    for (const [name, value] of Object.entries({...headers, 'X-CSRF-Token': token})) {
      xhr.setRequestHeader(name, value);
    }
    xhr.upload.addEventListener('progress', event => onSent(event.loaded));
    xhr.addEventListener('loadend', async () => {
      signal.removeEventListener('abort', abort);
      if (signal.aborted) {
        reject(signal.reason);
      } else if (xhr.status >= 200 && xhr.status < 300) {
        resolve(name => xhr.getResponseHeader(name));
      } else if (xhr.status === 0) {
        reject(unreachable());
      } else {
        const problem = problemOf(xhr.status, name => xhr.getResponseHeader(name), xhr.responseText);
        if (problem.status === 401) {
          session.ended(token);
        }
        reject(isAboutToken(problem) ? await afterLook(user) : problem);
      }
    });
    signal.addEventListener('abort', abort);
    xhr.send(part);
  });
}

/** The token was another one; with the present one the same works. */
async function afterLook(user) {
  try {
    await session.look();
    session.need(user);
    return new Problem(408, 'The session was renewed.');
  } catch (problem) {
    return problem;
  }
}

/** A page of a directory. */
export async function listDirectory(directory, {sort, order, query, after, limit = PAGE_SIZE}, signal) {
  // As people look for names: whatever their case, folders first.
  const parameters = new URLSearchParams({limit, sort: sort === 'name' ? 'text' : sort, order, directories: 'first'});
  if (query) {
    parameters.set('query', query);
  }
  if (after) {
    parameters.set('after', after);
  }
  const response = await request('GET', `${directoryUrl(directory)}?${parameters}`, {signal});
  const told = await response.json();
  if (!Array.isArray(told.entries)) {
    throw new Problem(200, 'This is a file, not a folder.');
  }
  return told;
}
