#!/usr/bin/env node
// Runs the sopup that npm installed for this platform.
"use strict";

const { spawn } = require("node:child_process");
const os = require("node:os");

const name = `@sopup/${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "sopup.exe" : "sopup";

let program;
try {
  program = require.resolve(`${name}/${file}`);
} catch {
  console.error(`sopup: the package ${name} is not installed.
If npm was told to leave out optional dependencies, install sopup without that; if there is no such
package, sopup is not made for this platform, and \`cargo install sopup\` builds it.`);
  process.exit(70);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
process.on("SIGINT", () => {}); // the terminal sends it to sopup too, and sopup says how it ended
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`sopup: cannot run ${program}: ${error.message}. Install the package ${name} again.`);
  process.exit(70);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
