// NODE_EXTRA_CA_CERTS=ROOTS node client.mjs NAME:PORT…  says for each site, one a line, whether Node accepts it.
import https from "node:https";

const loopback = (name, options, done) =>
  options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);

const verdict = (site) =>
  new Promise((resolve) => {
    const [host, port] = site.split(":");
    https
      .get({ host, port, path: "/v1/models", lookup: loopback, agent: false }, (answer) => {
        answer.resume();
        resolve("accepted");
      })
      .on("error", (error) => resolve(`refused ${error.code} ${error.message.split("\n")[0]}`));
  });

for (const site of process.argv.slice(2)) console.log(await verdict(site));
