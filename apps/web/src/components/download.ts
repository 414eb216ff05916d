/** Saves a file on the reader's device. */
export function download(name: string, type: string, content: Uint8Array | string | Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content as Uint8Array<ArrayBuffer> | string | Blob], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Saves a picture of @ag/viz as PNG.
 * @param scale pixels of the file for each of the picture
 */
export async function downloadPng(name: string, svg: string, scale = 2): Promise<void> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(image.naturalWidth * scale);
    canvas.height = Math.round(image.naturalHeight * scale);
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
    const file = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
    if (file) download(name, 'image/png', file);
  } finally {
    URL.revokeObjectURL(url);
  }
}
