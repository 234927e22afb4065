// Lambda's Node.js runtime in small: loads the handler, asks the Runtime API for work, answers or reports.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const root = process.env.LAMBDA_TASK_ROOT;
const prefix = "/2018-06-01/runtime";
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function request(method, where, body) {
  return new Promise((resolve, reject) => {
    const r = http.request({ host, port, method, agent, path: prefix + where, headers: { "Content-Type": "application/json" } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts).toString() }));
    });
    r.on("error", reject);
    r.end(body);
  });
}

class LoadError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = kind;
  }
}

async function load() {
  const name = process.env._HANDLER;
  const dot = name.indexOf(".", name.lastIndexOf("/"));
  if (dot < 0) throw new LoadError("Runtime.MalformedHandlerName", "Bad handler");
  const file = [".mjs", ".js", ".cjs"].map((end) => path.join(root, name.slice(0, dot) + end)).find((f) => fs.existsSync(f));
  if (!file) throw new LoadError("Runtime.ImportModuleError", `Error: Cannot find module '${path.basename(name.slice(0, dot))}'`);
  let found;
  try {
    found = await import(pathToFileURL(file));
  } catch (e) {
    if (e instanceof SyntaxError) throw new LoadError("Runtime.UserCodeSyntaxError", `SyntaxError: ${e.message}`);
    throw e;
  }
  for (const start of [found, found.default ?? {}]) {
    let value = start;
    for (const part of name.slice(dot + 1).split(".")) value = value?.[part];
    if (typeof value === "function") return value;
  }
  throw new LoadError("Runtime.HandlerNotFound", `${path.basename(name)} is undefined or not exported`);
}

function report(error) {
  const e = error instanceof Error ? error : new Error(String(error));
  const trace = (e.stack ?? "").split("\n").map((line) => line.replaceAll(root, "/var/task"));
  console.error(`ERROR\t${e.name}: ${e.message}`);
  return JSON.stringify({ errorType: e.name, errorMessage: e.message, trace });
}

function contextFrom(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const given = headers["lambda-runtime-client-context"];
  return {
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: given ? JSON.parse(given) : undefined,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error ? reject(error) : resolve(value));
    const value = handler(event, context, callback);
    if (typeof value?.then === "function") value.then(resolve, reject);
    else if (handler.length < 3) resolve(null); // Lambda takes an answer from a promise or the callback only
  });
}

let handler;
try {
  handler = await load();
} catch (error) {
  await request("POST", "/init/error", report(error));
  process.exit(1);
}
for (;;) {
  const { headers, body } = await request("GET", "/invocation/next");
  const context = contextFrom(headers);
  const here = "/invocation/" + context.awsRequestId;
  let document;
  try {
    document = JSON.stringify((await run(handler, JSON.parse(body), context)) ?? null);
  } catch (error) {
    await request("POST", here + "/error", report(error));
    continue;
  }
  await request("POST", here + "/response", document);
}
