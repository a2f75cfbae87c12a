import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defaultLogConfig } from '../../src/log/log-config.ts'
import { runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'

const PROGRAM = `
public class Defaults {
  public static void main(String[] args) {
    for (String name : scala.jdk.javaapi.CollectionConverters.asJava(kafka.log.LogConfig.configNames()))
      System.out.println(name + "=" + new kafka.log.LogConfig(new java.util.Properties(), (scala.collection.immutable.Set<String>) scala.collection.immutable.Set$.MODULE$.<String>empty()).values().get(name));
  }
}`

const kafkaNameOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`)
const kafkaTextOf = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.join(', ')}]`
  return value === 2 ** 63 ? '9223372036854775807' : String(value as string | number | boolean)
}

describe.skipIf(lacks('java', 'maven'))('the topic settings', () => {
  test('have the names and defaults of kafka.log.LogConfig 2.6.3', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sofakafka-config-'))
    try {
      writeFileSync(join(directory, 'Defaults.java'), PROGRAM)
      const lines = (await runJava('kafka-2.6.3', join(directory, 'Defaults.java'))).trim().split('\n')
      const theirs = Object.fromEntries(lines.map((line) => line.split('=') as [string, string]))
      const ours = Object.fromEntries(Object.entries(defaultLogConfig).map(([name, value]) => [kafkaNameOf(name), kafkaTextOf(value)]))
      expect(ours).toEqual(theirs)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
