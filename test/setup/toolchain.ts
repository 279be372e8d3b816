import type { TestProject } from 'vitest/node';
import { readToolchain } from '../../src/config/toolchain.ts';
import './provided.ts';

export default function setup(project: TestProject): void {
  project.provide('python', readToolchain().python);
}
