/** What errors say, without the folders of the machine: discovery shows their sentences to peers. */

/** `db` of `open '/srv/secrets/db'`. */
export const withoutFolders = (text: string): string => text.replace(folders, '');

/** Between quotes up to the last slash, since folders have spaces too; elsewhere up to the next space. */
const folders = /(?<=['"`])(?:file:\/\/)?\/[^'"`\n]*\/|(?<![\w/.@-])(?:file:\/\/)?(?:\/[^\s/'"`:]+)+\//g;
