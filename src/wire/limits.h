/* limits.h: what bounds bytes that come from somebody else. Everything that is read has a limit, and it stands
   here. */

#ifndef ZANNI_WIRE_LIMITS_H
#define ZANNI_WIRE_LIMITS_H

#define ZANNI__WIRE_DEPTH 32       // arrays and maps inside each other, in one argument
#define ZANNI__WIRE_DIMENSIONS 8   // of a buffer's shape
#define ZANNI__WIRE_BLOB_EXT 3     // type of a blob's reference, which has so many bytes:
#define ZANNI__WIRE_BLOB_BYTES 40

#endif
