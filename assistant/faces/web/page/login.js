// The form for the key: shown before anything else is, so that only the files it needs are open to everyone.

import { bindLook } from "./look.js";

bindLook();
