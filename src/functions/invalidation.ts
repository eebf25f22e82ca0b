/** What a library says is out of date: all results of one of its functions, or those that carry a tag. */
export type Invalidation = { readonly method: string } | { readonly tag: string };
