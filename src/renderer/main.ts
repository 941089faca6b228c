import { createApp } from 'vue'
import { startTheme } from './state/theme.ts'
import App from './App.vue'
import { connect } from './client/connect.ts'
import { createLab, LAB } from './state/lab.ts'
import './style.css'

startTheme()
const app = createApp(App)
app.provide(LAB, createLab(connect(window)))
app.mount('#app')
