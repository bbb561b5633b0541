export { type Serving, serveRuns } from './server.js';
