// This file says where the project is. The folder of the service (`serviceDir`) may be another one, such as
// examples/http-api.
'use strict';

const path = require('path');

const ROOT = path.dirname(__dirname);
const VENV = path.join(ROOT, '.venv');
const PYTHON = path.join(VENV, 'bin', 'python');

module.exports = { PYTHON, ROOT, VENV };
