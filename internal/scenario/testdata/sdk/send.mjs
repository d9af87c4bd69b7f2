// Runs one library as an application would: node send.mjs LIBRARY URL KEY. It ends when its
// input does, so that whoever waits for what it sends says when.
const [library, url, key] = process.argv.slice(2);
const { send } = await import(`./${library}.mjs`);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
await send(url, key);
