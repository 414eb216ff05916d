/** Weights that have learned already, made by scripts/trainDigits.ts: 11,274 numbers of 16 bits. */
import { loadSafetensors, type Sequential } from '@ag/nn';
import address from './trained.safetensors?url';

/** Gives a network of the kind `trained` its weights. @throws Error when they cannot be fetched */
export async function loadTrained(network: Sequential): Promise<void> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the trained weights could not be loaded: ${answer.status}`);
  network.loadStateDict(loadSafetensors(new Uint8Array(await answer.arrayBuffer())).tensors);
}
