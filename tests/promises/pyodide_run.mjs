// Runs pieces of Python in one Pyodide, here or in a page, and tells what each returned or how it failed.

export async function run(loadPyodide, { wheels, pieces }) {
  const pyodide = await loadPyodide();
  for (const wheel of wheels) {
    pyodide.unpackArchive(Uint8Array.from(atob(wheel), (character) => character.charCodeAt(0)), "wheel");
  }
  const results = {};
  for (const [name, code] of Object.entries(pieces)) {
    results[name] = await pyodide.runPythonAsync(code).catch((error) => `failed: ${error.message}`);
  }
  return results;
}

if (globalThis.process?.argv) {
  const { text } = await import("node:stream/consumers");
  const { loadPyodide } = await import(process.argv[2]);
  const results = await run(loadPyodide, JSON.parse(await text(process.stdin)));
  // Pyodide leaves its timers when they are cancelled, and Node waits for them.
  process.stdout.write(JSON.stringify(results), () => process.exit());
}
