"""RTP packets of a stream, made once for all who get them by RTSP or WebRTC."""
