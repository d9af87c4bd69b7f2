// Answers SQL, a line of JSON each, by DuckDB over the rows of a CSV file: the time that a
// statement took in milliseconds, and its rows as text.
import { createInterface } from 'node:readline';
import { DuckDBInstance, version } from '@duckdb/node-api';

const [csv] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
await connection.run(`create table event as
  select * from read_csv('${csv}', header = false, columns = {
    tenant: 'INTEGER', person: 'BIGINT', ts: 'BIGINT', id: 'BIGINT', type: 'VARCHAR', plan: 'VARCHAR'})
  order by tenant, person, ts, id`);
process.stdout.write(`${JSON.stringify({ ready: version() })}\n`);

for await (const sql of createInterface({ input: process.stdin })) {
  const start = process.hrtime.bigint();
  const result = await connection.runAndReadAll(JSON.parse(sql));
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  const rows = result.getRows().map((row) => row.map(String).join(' '));
  process.stdout.write(`${JSON.stringify({ took, rows })}\n`);
}
