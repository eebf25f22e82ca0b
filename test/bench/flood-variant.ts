/** What differs within a scenario of floods. */
export const floodVariant = {
  none: 'no flood',
  cookies: 'ClientHellos with cookies',
  hellos: 'ClientHellos',
} as const;
