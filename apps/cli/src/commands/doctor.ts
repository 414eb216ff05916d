/** The command line of `agrad doctor`. */
import { defineCommand, type OptionsFor } from '../command.ts';

export const doctorCommand = defineCommand({
  usage: 'doctor',
  summary: 'check what this machine supports and test the backends',
  examples: ['agrad doctor'],
});

export type DoctorOptions = OptionsFor<typeof doctorCommand>;
