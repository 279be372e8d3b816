export interface GoogleSettings {
  /** A service account's key: the path of its JSON file, or the JSON itself; undefined: none. */
  readonly credentials: string | undefined;
  /** Where Google's API and its token endpoint (`/token`) are; undefined: at Google. */
  readonly rootUrl: string | undefined;
}
