/** Where a setting's value came from, lowest precedence first: default, file, environment, flag. */

export type Source =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'flag'; readonly flag: string };

export function describeSource(source: Source): string {
  switch (source.kind) {
    case 'default':
      return 'default';
    case 'file':
      return source.file;
    case 'environment':
      return source.variable;
    case 'flag':
      return source.flag;
  }
}
