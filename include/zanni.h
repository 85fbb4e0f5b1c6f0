/* zanni.h: actors in C on ZeroMQ.

   The umbrella: it includes every header of the API and declares nothing. Start with examples/01-hello; each
   header says at its head what it is about and which threads may call its functions.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_H
#define ZANNI_H

#include "zanni/error.h"
#include "zanni/log.h"
#include "zanni/buffer.h"
#include "zanni/ref.h"
#include "zanni/message.h"
#include "zanni/type.h"
#include "zanni/store.h"
#include "zanni/class.h"
#include "zanni/node.h"
#include "zanni/counts.h"
#include "zanni/work.h"
#include "zanni/actor.h"
#include "zanni/exit.h"
#include "zanni/share.h"
#include "zanni/call.h"
#include "zanni/net.h"
#include "zanni/trust.h"
#include "zanni/directory.h"
#include "zanni/behaviour.h"
#include "zanni/supervisor.h"
#include "zanni/routing.h"
#include "zanni/pool.h"
#include "zanni/object.h"
#include "zanni/stream.h"
#include "zanni/property.h"
#include "zanni/timer.h"
#include "zanni/watch.h"
#include "zanni/cpp.h"

#endif
