// Numbers and codes of the API as words for people, in the language and time zone of the browser.

const CODECS = {
  h264: "H.264", hevc: "H.265", h265: "H.265", av1: "AV1", mjpeg: "MJPEG",
  aac: "AAC", opus: "Opus", mp3: "MP3", pcm_alaw: "G.711 A-law", pcm_mulaw: "G.711 µ-law",
};
const SIZES = ["B", "KB", "MB", "GB", "TB"];

export const codecName = (codec) => CODECS[codec] ?? codec;

export function pictureSize(width, height) {
  return width && height ? `${width} × ${height}` : "";
}

export function frameRate(fps) {
  return fps ? `${Number(fps.toFixed(1))} fps` : "";
}

export function bitRate(bitsPerSecond) {
  if (!bitsPerSecond) return "";
  if (bitsPerSecond < 1e6) return `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

export function fileSize(size) {
  if (typeof size === "string") return size;
  if (!Number.isFinite(size)) return "";
  let step = 0;
  while (size >= 1024 && step < SIZES.length - 1) {
    size /= 1024;
    step += 1;
  }
  return `${step ? size.toFixed(1) : size} ${SIZES[step]}`;
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "";
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const parts = [Math.floor(minutes / 60), minutes % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

export function dateAndTime(iso) {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export const joined = (...parts) => parts.filter(Boolean).join(" · ");
