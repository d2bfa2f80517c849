// A minimal client of the Lambda Runtime API: loads the handler, then asks for events.
// AWS's own client does more than this before its first request, and none of it faster.
const http = require("node:http");

const { handler } = require(process.argv[2]);
const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true });

const call = (method, path, body) =>
  new Promise((resolve, reject) => {
    const options = { hostname, port, agent, method, path: `/2018-06-01/runtime/invocation/${path}` };
    const request = http.request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve({ id: response.headers["lambda-runtime-aws-request-id"], text }));
    });
    request.on("error", reject);
    request.end(body);
  });

const main = async () => {
  for (;;) {
    const { id, text } = await call("GET", "next");
    try {
      await call("POST", `${id}/response`, JSON.stringify(await handler(JSON.parse(text))));
    } catch (error) {
      await call("POST", `${id}/error`, JSON.stringify({ errorMessage: String(error) }));
    }
  }
};

main();
