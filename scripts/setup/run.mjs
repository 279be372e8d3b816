import { spawn } from 'node:child_process';

/**
 * Runs a program to its end and keeps what it printed. A program that cannot be started counts as failed.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, onLine?: (line: string) => void }} [options]
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function run(command, args, { cwd, env = process.env, timeoutMs = 15 * 60_000, onLine } = {}) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => {
      output += `\nstopped after ${timeoutMs / 1000} s`;
      child.kill('SIGKILL');
    }, timeoutMs);
    const stop = () => child.kill();
    process.once('exit', stop);
    const take = (/** @type {Buffer} */ chunk) => {
      const text = chunk.toString();
      output = (output + text).slice(-64_000);
      for (const line of text.split('\n')) if (line.trim()) onLine?.(line.trim());
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const finish = (/** @type {boolean} */ ok) => {
      clearTimeout(timer);
      process.off('exit', stop);
      resolve({ ok, output: output.trim() });
    };
    child.on('error', (error) => {
      output += error.message;
      finish(false);
    });
    child.on('close', (code) => finish(code === 0));
  });
}

/** @param {string} output */
export function lastLines(output, count = 12) {
  return output
    .split('\n')
    .slice(-count)
    .map((line) => `    ${line}`)
    .join('\n');
}
