import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildASTSchema,
  concatAST,
  type GraphQLSchema,
  parse,
  TypeInfo,
  validate,
  validateSchema,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { describe, expect, it, test } from 'vitest';
import { examples } from './examples';

const root = join(import.meta.dirname, '../..');
const schema = readSchema();

test('the schema is whole', () => {
  expect(validateSchema(schema)).toEqual([]);
});

describe.each(examples)('$name', ({ name, about, document }) => {
  it('is valid', () => {
    expect(validate(schema, parse(document))).toEqual([]);
  });

  it('is named as its tab', () => {
    expect(document).toMatch(new RegExp(`^(query|mutation|subscription) ${name} `, 'm'));
  });

  it('says what it shows, in two lines that fit the editor', () => {
    const lines = about.split('\n');
    expect(lines.length).toBeLessThanOrEqual(2);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(60);
    expect(document.startsWith(`# ${lines[0]}\n`)).toBe(true);
  });
});

test('every field of the root types has an example', () => {
  const used = new Set(examples.flatMap(({ document }) => fieldsOf(document)));
  expect(rootFields().filter((field) => !used.has(field))).toEqual([]);
});

test('the examples survive JSON, and their names are distinct', () => {
  expect(JSON.parse(JSON.stringify(examples))).toEqual(examples);
  expect(new Set(examples.map(({ name }) => name)).size).toBe(examples.length);
});

function readSchema(): GraphQLSchema {
  const parts = readdirSync(join(root, 'graph')).filter((name) => name.endsWith('.graphqls'));
  const files = ['schema.graphqls', ...parts.map((name) => join('graph', name))];
  const documents = files.map((file) => parse(readFileSync(join(root, file), 'utf8')));
  return buildASTSchema(concatAST(documents));
}

function rootFields(): string[] {
  const types = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  return types.flatMap((type) => Object.keys(type!.getFields()).map((field) => `${type}.${field}`));
}

function fieldsOf(document: string): string[] {
  const fields: string[] = [];
  const types = new TypeInfo(schema);
  const visitor = {
    Field: () => {
      fields.push(`${types.getParentType()}.${types.getFieldDef()?.name}`);
    },
  };
  visit(parse(document), visitWithTypeInfo(types, visitor));
  return fields;
}
