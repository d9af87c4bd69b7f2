import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from '@graphiql/plugin-doc-explorer';
import { HISTORY_PLUGIN, HistoryStore } from '@graphiql/plugin-history';
import { GraphiQLProvider, useGraphiQL } from '@graphiql/react';
import { GraphiQL, GraphiQLInterface } from 'graphiql';
import { useEffect } from 'react';
import type { Config } from './config';
import { useConnection } from './connection';
import { examples } from './examples';
import { Header } from './header';
import { useKey } from './keys';

const plugins = [DOC_EXPLORER_PLUGIN, HISTORY_PLUGIN];
const tabs = examples.map(({ document }) => ({ query: document }));

// What a variable of each scalar may look like, for the editor's own checks.
const scalars = {
  DateTime: { type: 'string', format: 'date-time' },
  TimeZone: { type: 'string' },
  JSONObject: { type: 'object' },
} as const;

/** The page: a bar with the key on top, GraphiQL below. */
export function Playground({ config }: { config: Config }) {
  const { choice, choose, key } = useKey(config.keys);
  const { fetcher, status } = useConnection(config.graphql, key);
  return (
    <GraphiQLProvider
      fetcher={fetcher}
      plugins={plugins}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      defaultTabs={tabs}
      customScalarSchemas={scalars}
      inputValueDeprecation
      schemaDescription
    >
      <Header keys={config.keys} choice={choice} onChoose={choose} status={status} />
      <HistoryStore>
        <DocExplorerStore>
          <GraphiQLInterface isHeadersEditorEnabled={false}>
            <GraphiQL.Logo> </GraphiQL.Logo>
            <Editors />
          </GraphiQLInterface>
        </DocExplorerStore>
      </HistoryStore>
    </GraphiQLProvider>
  );
}

/** What GraphiQL has no settings for: text that fits, a tab in sight, no stale error. */
function Editors() {
  const { query, variables, response, tab, fetchError } = useGraphiQL((state) => ({
    query: state.queryEditor,
    variables: state.variableEditor,
    response: state.responseEditor,
    tab: state.activeTabIndex,
    fetchError: state.fetchError,
  }));
  useEffect(() => {
    for (const editor of [query, variables, response]) {
      editor?.updateOptions({ fontSize: 14, wordWrap: 'on', wrappingIndent: 'indent' });
    }
  }, [query, variables, response]);
  useEffect(() => {
    document.querySelector('.graphiql-tab-active')?.scrollIntoView({ inline: 'nearest' });
  }, [tab]);
  useEffect(
    () => () => {
      if (fetchError && response?.getValue() === fetchError) response.setValue('');
    },
    [fetchError, response],
  );
  return null;
}
