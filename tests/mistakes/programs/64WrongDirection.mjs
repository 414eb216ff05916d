// An accuracy that should fall
// AG_MONITOR_MODE: leave mode out

import { earlyStopping } from '@ag/train';

earlyStopping({ monitor: 'validation.accuracy', mode: 'min' });
