"""Reads the number that a camera drew into a picture (lightnvr.demo.numbering), inside the browser."""

READ_NUMBER = """
const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });

// The number in what an <img> or a <video> shows at its full size; null when there is none that can be trusted.
const readNumber = (shown, width, height, block) => {
  const blocks = 29;
  if (!width) return null;
  [canvas.width, canvas.height] = [blocks * block, block];
  context.drawImage(shown, -block, -block, width, height);
  const pixels = context.getImageData(0, 0, blocks * block, block).data;
  const bits = [];
  for (let at = 0; at < blocks; at += 1) {
    let sum = 0;
    let samples = 0;
    for (let row = block >> 2; row < block - (block >> 2); row += 1) {
      for (let column = block >> 2; column < block - (block >> 2); column += 1) {
        sum += pixels[(row * blocks * block + at * block + column) * 4 + 1];
        samples += 1;
      }
    }
    const mean = sum / samples;
    if (mean > 96 && mean < 160) return null;
    bits.push(mean > 128 ? 1 : 0);
  }
  const value = bits.slice(2, 26);
  const parity = value.reduce((all, bit) => all ^ bit, 0);
  const isWhole = bits[0] === 1 && bits[1] === 0 && bits[26] === parity && bits[27] === 0 && bits[28] === 1;
  return isWhole ? parseInt(value.join(""), 2) : null;
};
"""
