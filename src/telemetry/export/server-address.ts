import { ExportProblem } from './tracker.js';

/**
 * The address of a server without a slash at its end. Throws ExportProblem for what is no http address, or one with a name
 * or password in it: that would stand in configs and messages.
 */
export function serverAddress(text: string, what: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ExportProblem(`${what} is no address such as http://127.0.0.1:5000`, false);
  }
  if (url.username !== '' || url.password !== '') {
    throw new ExportProblem(
      `${what} holds a name or password: give them by environment variables of their own`,
      false,
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ExportProblem(
      `${what} is a ${url.protocol} address; only http: and https: can be sent to`,
      false,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
