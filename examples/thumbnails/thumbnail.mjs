/**
 * The handler that runs in the threads of `worker.mjs`: a PNG file in, a PNG file of at most 64 x 64 pixels out. Each
 * pixel is the mean of its area. A handler in a file is its default export.
 */
import { PNG } from 'pngjs';

const SIDE = 64;

export default function thumbnail(job) {
  const picture = PNG.sync.read(Buffer.from(job.data));
  const scale = Math.max(1, picture.width / SIDE, picture.height / SIDE);
  const small = new PNG({
    width: Math.max(1, Math.floor(picture.width / scale)),
    height: Math.max(1, Math.floor(picture.height / scale)),
  });
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      const pixel = meanOf(picture, x * scale, y * scale, scale);
      small.data.set(pixel, (y * small.width + x) * 4);
    }
  }
  return PNG.sync.write(small);
}

/** Red, green, blue, alpha of the square that begins at (left, top). */
function meanOf(picture, left, top, side) {
  const sums = [0, 0, 0, 0];
  let count = 0;
  for (let y = Math.floor(top); y < Math.min(picture.height, top + side); y++) {
    for (let x = Math.floor(left); x < Math.min(picture.width, left + side); x++, count++) {
      for (let i = 0; i < 4; i++) sums[i] += picture.data[(y * picture.width + x) * 4 + i];
    }
  }
  return sums.map((sum) => Math.round(sum / count));
}
