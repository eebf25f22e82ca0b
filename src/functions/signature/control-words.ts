/** Names that Uri-Query keeps for the gateway, so that no parameter can be called so. */

/** Observe attributes of draft-ietf-core-conditional-attributes. */
const controlWords: ReadonlySet<string> = new Set(['c.pmin', 'c.pmax']);

/** One sentence where a parameter has a name that is a control word. */
export function controlWordProblem(name: string): string | undefined {
  if (name.startsWith('_')) {
    return `parameter '${name}': names that begin with "_" are control words of a query, so no caller could give it; rename it to '${name.replace(/^_+/, '') || 'value'}'.`;
  }
  return controlWords.has(name)
    ? `parameter '${name}': this is a control word of a query, so no caller could give it; rename it.`
    : undefined;
}
