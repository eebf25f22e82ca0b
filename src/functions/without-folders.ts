/** What errors say, without the folders of the machine: discovery shows their sentences to peers. */

/** `db` of `open '/srv/secrets/db'`. */
export const withoutFolders = (text: string): string => text.replace(folders, '');

const folders = /(?<![\w/:.@-])(?:file:\/\/)?(?:\/[^\s/'"`:]+)+\//g;
