// What an empty Deno runs.
