// Asks a URL as a Node program does: https.get with ca, cert and key. Part of mtls_lab; see node_client.py.
import { readFileSync } from "node:fs";
import https from "node:https";
import { parseArgs } from "node:util";

const text = { type: "string" };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cacert: text, cert: text, key: text, name: text, connect: text,
    tls: text, ciphers: text, group: text, verifies: text, timeout: text,
  },
});
console.error(`# node ${process.versions.node} (OpenSSL ${process.versions.openssl})`);

function stop(error, code) {
  console.error(error.code ? `${error.code}: ${error.message}` : String(error));
  process.exit(code);
}

const url = new URL(positionals[0]);
const options = { agent: false, host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port, path: url.pathname };
options.headers = { Host: url.host };
try {
  if (values.cacert) options.ca = readFileSync(values.cacert);
  if (values.cert) options.cert = readFileSync(values.cert);
  if (values.key) options.key = readFileSync(values.key);
} catch (error) {
  stop(error, 2);
}
if (values.name) options.servername = values.name;
if (values.connect) [, options.host, options.port] = values.connect.match(/^\[?(.*?)\]?:(\d+)$/);
if (values.tls) options.minVersion = options.maxVersion = `TLSv${values.tls}`;
if (values.ciphers) options.ciphers = values.ciphers;
if (values.group) options.ecdhCurve = values.group;
if (values.verifies === "none") options.rejectUnauthorized = false;
if (values.verifies === "chain") options.checkServerIdentity = () => undefined;

let request;
try {
  request = https.get(options);
} catch (error) {
  stop(error, 2); // the credential does not load
}
request.setTimeout(1000 * Number(values.timeout ?? 5), () => request.destroy(new Error("timed out")));
request.on("socket", (socket) =>
  socket.on("connect", () => console.error(`# from ${socket.localAddress}:${socket.localPort}`)),
);
request.on("error", (error) => stop(error, 1));
request.on("response", (response) => {
  console.error(`# status ${response.statusCode}`);
  response.on("error", (error) => stop(error, 1));
  response.pipe(process.stdout);
});
