import { describeModel } from './model-suite.ts';

describeModel(12);
