/** As a run of tests that failed: the servers' set-up is loaded, the exit code stands, nothing is left to do. */
import '../../setup/postgres.ts';

process.exitCode = 1;
