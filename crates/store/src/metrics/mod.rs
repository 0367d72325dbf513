//! Day files of chunks and the sample log, as bytes.
